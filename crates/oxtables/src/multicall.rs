//! Which program was called: by the name of a link, or by the first word behind `oxtables -f FILE`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ox_packet::Family;
use ox_rules::bytes::text_of;
use ox_rules::ir::Dialect;
use ox_rules::syntax::Program;

use crate::{iptables, restore, save, translate};

/// What an iptables program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `iptables`
    Command,
    /// `iptables-restore`
    Restore,
    /// `iptables-save`
    Save,
    /// `iptables-translate`
    Translate,
    /// `iptables-restore-translate`
    RestoreTranslate,
}

/// An iptables program that was called.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it does.
    pub kind: Kind,
    /// Who speaks.
    pub program: Program,
    /// The file to work on; `None`: the kernel.
    pub file: Option<PathBuf>,
    /// Whether `oxtables --format json` stands before its name.
    pub json: bool,
    /// The words behind its name.
    pub words: Vec<OsString>,
}

/// Every name under which one of them can be called.
pub fn all_names() -> impl Iterator<Item = String> {
    ["iptables", "ip6tables"].into_iter().flat_map(|family| {
        let programs = ["", "-nft", "-legacy"].into_iter().flat_map(move |variant| {
            ["", "-save", "-restore"].into_iter().map(move |what| format!("{family}{variant}{what}"))
        });
        programs.chain(["-translate", "-restore-translate"].map(|what| format!("{family}{what}")))
    })
}

/// The program of a name.
pub fn program(name: &str) -> Option<(Kind, Program)> {
    let (family, rest) = match name.strip_prefix("ip6tables") {
        Some(rest) => (Family::V6, rest),
        None => (Family::V4, name.strip_prefix("iptables")?),
    };
    // There are no variants of these.
    let translator = match rest {
        "-translate" => Some(Kind::Translate),
        "-restore-translate" => Some(Kind::RestoreTranslate),
        _ => None,
    };
    if let Some(kind) = translator {
        return Some((kind, Program { family, dialect: Dialect::Nft }));
    }
    let (dialect, rest) = match (rest.strip_prefix("-legacy"), rest.strip_prefix("-nft")) {
        (Some(rest), _) => (Dialect::Legacy, rest),
        (_, Some(rest)) => (Dialect::Nft, rest),
        _ => (Dialect::Nft, rest),
    };
    let kind = match rest {
        "" => Kind::Command,
        "-save" => Kind::Save,
        "-restore" => Kind::Restore,
        _ => return None,
    };
    Some((kind, Program { family, dialect }))
}

/// The variable that names the file for programs whose own `-f` means fragments.
const FILE: &str = "OXTABLES_FILE";

/// The program that the name of the link says, if it says one.
pub fn by_name(words: &[OsString]) -> Option<Call> {
    let name = Path::new(words.first()?).file_name()?.to_str()?;
    let (kind, program) = program(name)?;
    // What only translates has no ruleset of its own.
    if matches!(kind, Kind::Translate | Kind::RestoreTranslate) {
        return Some(Call { kind, program, file: None, json: false, words: words[1..].to_vec() });
    }
    // A program with more rights than its caller must not let the caller choose what it writes to.
    let file =
        std::env::var_os(FILE).filter(|f| !f.is_empty() && !ox_io::process::is_privileged_by_file()).map(PathBuf::from);
    if let Some(file) = &file {
        let does = if kind == Kind::Save { "reading" } else { "editing" };
        eprintln!("{name}: {does} the file {} ({FILE} is set), not the kernel", file.display());
    }
    Some(Call { kind, program, file, json: false, words: words[1..].to_vec() })
}

impl Call {
    /// Does what it says.
    pub fn run(self) -> ExitCode {
        let words: Vec<_> = self.words.iter().map(|word| text_of(word.as_bytes())).collect();
        let words: Vec<&str> = words.iter().map(|word| &**word).collect();
        let translates = matches!(self.kind, Kind::Translate | Kind::RestoreTranslate);
        if translates && self.json {
            eprintln!("{}: what nft is told has no form in JSON here", self.program.name());
            return ExitCode::from(2);
        }
        let status = match self.kind {
            Kind::Command => iptables::main(self.program, self.file.as_deref(), self.json, &words),
            Kind::Restore => restore::main(self.program, self.file.as_deref(), self.json, &words),
            Kind::Save => save::main(self.program, self.file.as_deref(), self.json, &words),
            Kind::Translate => translate::main(self.program, &words),
            Kind::RestoreTranslate => translate::restore(self.program, self.file.as_deref(), &words),
        };
        ExitCode::from(status)
    }
}
