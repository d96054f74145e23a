//! Rules as JSON and back: what text says of a rule, its JSON says too, whatever the order of its fields.
//!
//! `OX_SEED` is the generator's seed and `OX_CASES` the number of generated rules for each extension and family.

use ox_packet::Family;
use ox_rules::ext;
use ox_rules::ir::Dialect;
use ox_rules::model::Table;
use ox_rules::syntax::{Book, JsonOf, NoNames, Out, Program, TextCx, TextKind, dump, json};
use ox_test::oracle::{cases, root};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn programs() -> impl Iterator<Item = Program> {
    [Family::V4, Family::V6]
        .into_iter()
        .flat_map(|family| [Dialect::Nft, Dialect::Legacy].map(|dialect| Program { family, dialect }))
}

fn cx(program: Program) -> TextCx<'static> {
    let kind = TextKind::Restore { counters: true, noflush: false, only: None, verbose: false, test: false };
    TextCx { program, names: &NoNames, kind }
}

/// A book with what a text says.
fn restored(text: &str, program: Program) -> Result<Book<'static>, String> {
    let mut book = Book::empty(program.family);
    let (_, result) = book.restore(text.as_bytes(), cx(program), &mut Out::default());
    result.map(|()| book).map_err(|fault| fault.report(program, "text").0)
}

/// A book with what JSON says.
fn loaded(text: &str, program: Program) -> Result<Book<'static>, String> {
    let mut book = Book::empty(program.family);
    let result = book.restore_json(text.as_bytes(), cx(program), &mut Out::default());
    result.map(|_| book).map_err(|fault| fault.report(program, "json").0)
}

fn saved(book: &Book<'_>, program: Program) -> String {
    let mut out = Out::default();
    for table in &book.ruleset.tables {
        dump(table, program, true, "DATE", &mut out);
    }
    out.text
}

fn written(book: &Book<'_>, program: Program) -> String {
    let mut out = Out::default();
    let tables: Vec<&Table> = book.ruleset.tables.iter().collect();
    let what = JsonOf { family: program.family, chain: None, rule: None, listing: false };
    json(&tables, what, &mut out, &mut |_| {});
    out.text
}

/// The same JSON with the fields of every object in the order of the alphabet.
fn sorted(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    let text = value.to_string();
    assert!(text.starts_with("{\"family\":"), "fields keep their order: {text:.60}");
    text
}

/// Text of one table with these rules.
fn text(table: &str, lines: &[(&str, &[String])]) -> String {
    let mut out = Out::default();
    out.fmt(format_args!("*{table}\n:other - [0:0]\n"));
    for (i, (chain, words)) in lines.iter().enumerate() {
        out.fmt(format_args!("[{}:{}] -A {chain}", i, u64::MAX - i as u64));
        for word in *words {
            out.guarded(word);
        }
        out.raw("\n");
    }
    out.raw("COMMIT\n");
    out.text
}

/// Text to rules to JSON to rules to text.
fn round(text: &str, program: Program) -> Option<Result<(), String>> {
    let book = restored(text, program).ok()?;
    let (wanted, json) = (saved(&book, program), written(&book, program));
    let back = |json: &str| -> Result<(), String> {
        let again = loaded(json, program)?;
        match saved(&again, program) {
            got if got != wanted => Err(format!("became\n{got}")),
            _ if written(&again, program) != sorted_or(json, &written(&again, program)) => {
                Err("JSON differs".to_owned())
            }
            _ => Ok(()),
        }
    };
    let done = back(&json).and_then(|()| back(&sorted(&json)));
    let done = match done {
        Ok(()) if json.contains("\"words\":") => Err("an extension has no fields".to_owned()),
        done => done,
    };
    Some(done.map_err(|why| format!("{program:?}\n{wanted}{json}{why}\n")))
}

/// JSON as it was read, unless it was sorted.
fn sorted_or(read: &str, written: &str) -> String {
    if sorted(read) == read { written.to_owned() } else { read.to_owned() }
}

#[test]
fn every_extension_goes_to_json_and_back() {
    let (seed, count) = (number("OX_SEED", 20260), number("OX_CASES", 30) as usize);
    let (mut rules, mut faults) = (0, Vec::new());
    for name in cases::names(&root()) {
        let before = rules;
        // What is seldom taken is made more often.
        for count in [count, 40 * count] {
            if rules > before {
                break;
            }
            for program in programs() {
                for case in cases::group(&root(), &name, program.family, seed, count).unwrap().cases {
                    let text = text(&case.table, &[(&case.chain, &case.words)]);
                    match round(&text, program) {
                        None => {}
                        Some(Ok(())) => rules += 1,
                        Some(Err(why)) => faults.push(format!("{name}, {}: {why}", case.from)),
                    }
                }
            }
        }
        assert!(rules > before || !faults.is_empty(), "{name}: no rule of it is taken");
    }
    println!("{rules} rules went to JSON and back");
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults[..faults.len().min(8)].join("\n"));
}

#[test]
fn a_whole_table_goes_to_json_and_back() {
    for program in programs() {
        let cases = cases::group(&root(), "mixtures", program.family, number("OX_SEED", 7), 200).unwrap().cases;
        for table in ["filter", "mangle", "nat", "raw"] {
            let takes = |chain: &str, words: &[String]| restored(&text(table, &[(chain, words)]), program).is_ok();
            let lines: Vec<(&str, &[String])> = cases
                .iter()
                .filter(|c| c.table == table && takes(&c.chain, &c.words))
                .map(|c| (&*c.chain, &*c.words))
                .collect();
            assert!(lines.len() > 10, "{table}: {} rules", lines.len());
            if let Some(Err(why)) = round(&text(table, &lines), program) {
                panic!("{why}");
            }
        }
    }
}

#[test]
fn no_option_is_called_like_a_field_that_means_something_else() {
    for desc in ext::matches().iter().chain(ext::targets()) {
        let mut fields: Vec<String> = Vec::new();
        for (i, option) in desc.options.iter().enumerate() {
            assert!(!option.names.contains(&"words"), "{}", desc.name);
            for name in option.names {
                let field = if *name == "name" { format!("{}_name", desc.name) } else { name.replace('-', "_") };
                assert!(!fields.contains(&field), "{}: {field} twice", desc.name);
                fields.push(field);
            }
            assert!(option.forms.len() <= usize::from(option.args).max(1), "{}: row {i}", desc.name);
        }
    }
}
