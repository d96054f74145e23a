//! `iptables` and `ip6tables`: one command on a ruleset file.

use std::path::Path;

use ox_rules::model::Table;
use ox_rules::syntax::{
    Command, Fault, Out, Program, RuleCx, RunCx, Setting, Strangers, Trouble, Verb, act, admit, help, read_command, run,
};

use crate::files::{self, Edited};
use crate::names::System;

/// Runs a command line; the exit status. `json`: that is how listings are wanted.
pub fn main(program: Program, file: Option<&Path>, json: bool, words: &[&str]) -> u8 {
    let names = System::default();
    let cx = RuleCx {
        family: program.family,
        dialect: program.dialect,
        table: ox_rules::model::TableName::Filter,
        names: &names,
        strangers: Strangers::Refuse,
    };
    let fail = |trouble: Trouble| {
        let (text, status) = trouble.report(program, words);
        eprint!("{text}");
        status
    };
    let mut command = match read_command(words, &cx, Setting::Line) {
        Ok(command) => command,
        Err(trouble) => return fail(trouble),
    };
    command.json |= json;
    if let Some(family) = command.family.filter(|&f| f != program.family) {
        let other = Program { family, ..program }.name();
        return fail(Trouble::Usage(Fault::usage(None, format!("this is {}: {other} does that", program.name()))));
    }
    let mut out = Out::default();
    match command.verb {
        Verb::Help => {
            help(&command, program, &mut out);
            files::print(&out.text);
            return 0;
        }
        Verb::Version => {
            files::print(&format!("{} {}\n", program.name(), program.version()));
            return 0;
        }
        _ => {}
    }
    let cx = RunCx { program, names: &names, line: 0, absent: false };
    let done = match file {
        None => Err(files::no_kernel(program)),
        Some(file) if command.verb.edits() || command.zero => {
            files::edit(file, files::wait(command.wait), program, &names, |book| {
                let absent = book.ruleset.table(command.table).is_none();
                let mut table = match absent {
                    false => std::mem::replace(book.ruleset.table_mut(command.table), Table::new(command.table)),
                    true => Table::new(command.table),
                };
                let mut out = Out::default();
                match edit(&mut command, &mut table, &RunCx { absent, ..cx }, &mut out) {
                    Ok(()) if absent && !command.makes_table(program.dialect) => {
                        Edited { touched: Vec::new(), out: out.text, failure: None }
                    }
                    Ok(()) => {
                        *book.ruleset.table_mut(command.table) = table;
                        Edited { touched: vec![command.table], out: out.text, failure: None }
                    }
                    Err(trouble) => {
                        Edited { touched: Vec::new(), out: out.text, failure: Some(trouble.report(program, words)) }
                    }
                }
            })
        }
        Some(file) => files::read(file, program, &names).map(|mut ruleset| {
            let mut out = Out::default();
            let table = ruleset.table_mut(command.table);
            let failure = run(&mut command, table, &mut None, &cx, &mut out).err();
            let failure = failure.map(|trouble| trouble.report(program, words));
            // The process is about to end, and the kernel frees faster than we do.
            std::mem::forget(ruleset);
            Edited { touched: Vec::new(), out: out.text, failure }
        }),
    };
    let edited = match done {
        Ok(edited) => edited,
        Err((text, status)) => {
            eprint!("{text}");
            return status;
        }
    };
    files::print(&edited.out);
    match edited.failure {
        Some((text, status)) => {
            eprint!("{text}");
            status
        }
        None => 0,
    }
}

/// Does an editing command, and asks whether the kernel would take what comes of it.
fn edit(command: &mut Command, table: &mut Table, cx: &RunCx<'_>, out: &mut Out) -> Result<(), Trouble> {
    let count = command.chain.as_deref().and_then(|name| table.chain(name)).map_or(0, |c| c.rules.len());
    run(command, table, &mut None, cx, out)?;
    if !matches!(command.verb, Verb::Append | Verb::Insert | Verb::Replace) {
        return Ok(());
    }
    let act = act(command.verb, command.number, count);
    admit(table, cx.program).map_err(|mut refusals| {
        refusals.iter_mut().for_each(|r| r.act = act);
        Trouble::Kernel(refusals)
    })
}
