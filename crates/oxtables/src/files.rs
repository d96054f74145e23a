//! Ruleset files: reading one, editing one, and what is said when that fails.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use ox_io::lock::Wait;
use ox_rules::bytes::bytes_of;
use ox_rules::model::{Ruleset, TableName};
use ox_rules::syntax::{Book, Names, Program, header_family};

/// What was said and the exit status, when something went wrong.
pub type Failure = (String, u8);

/// What an edit leaves.
pub struct Edited {
    /// Tables that changed.
    pub touched: Vec<TableName>,
    /// What to print.
    pub out: String,
    /// What went wrong, if anything.
    pub failure: Option<Failure>,
}

/// Exit status where the system refuses: a lock held, no right to read.
const RESOURCE: u8 = 4;

impl From<System> for Failure {
    fn from(error: System) -> Self {
        error.0
    }
}

/// A failure on its way through `ox_io::file::edit`.
pub struct System(Failure);

impl From<ox_io::Error> for System {
    fn from(error: ox_io::Error) -> Self {
        if error.is_locked() {
            return Self((format!("Another app is currently holding the xtables lock: {error}"), RESOURCE));
        }
        Self((error.to_string(), RESOURCE))
    }
}

/// Reads a file's rules; one that is not there has none.
pub fn read(path: &Path, program: Program, names: &dyn Names) -> Result<Ruleset, Failure> {
    match ox_io::file::read(path) {
        Ok(bytes) => open(path, &bytes, program, names).map(|book| book.ruleset),
        Err(error) if is_missing(&error) => {
            eprintln!("{}: {} does not exist: no rules", program.name(), path.display());
            Ok(Ruleset::new(program.family))
        }
        Err(error) => Err((format!("{}: {error}\n", program.name()), RESOURCE)),
    }
}

fn is_missing(error: &ox_io::Error) -> bool {
    matches!(error, ox_io::Error::File { cause, .. } if cause.kind() == std::io::ErrorKind::NotFound)
}

/// Edits a file's rules under its lock.
pub fn edit(
    path: &Path,
    wait: Wait,
    program: Program,
    names: &dyn Names,
    change: impl FnOnce(&mut Book<'_>) -> Edited,
) -> Result<Edited, Failure> {
    let result = ox_io::file::edit(path, wait, |bytes| -> Result<_, System> {
        let mut book = match bytes {
            Some(bytes) => open(path, bytes, program, names).map_err(System)?,
            None => Book::empty(program.family),
        };
        if book.read_only {
            let (name, file) = (program.name(), path.display());
            let message = format!(
                "{name} {}: {file} is a list of commands, which is read but not edited: make a ruleset of it with \
                 `oxtables -f {file} {name}-save > rules', and edit that\n",
                program.version()
            );
            return Err(System((message, 2)));
        }
        let edited = change(&mut book);
        let text = (!edited.touched.is_empty())
            .then(|| book.write(&edited.touched, program, &ox_io::clock::stamp()))
            .filter(|text| bytes.is_some() || !text.is_empty());
        if bytes.is_none() && text.is_some() {
            eprintln!("{}: {} did not exist, and was made", program.name(), path.display());
        }
        // The process is about to end, and the kernel frees faster than we do.
        std::mem::forget(book);
        Ok((text, edited))
    });
    result.map_err(|System((message, status))| {
        let message = if message.ends_with('\n') { message } else { format!("{}: {message}\n", program.name()) };
        (message, status)
    })
}

fn open<'t>(path: &Path, bytes: &'t [u8], program: Program, names: &dyn Names) -> Result<Book<'t>, Failure> {
    let file = path.display().to_string();
    if let Some(family) = header_family(bytes).filter(|&f| f != program.family) {
        let other = Program { family, ..program }.name();
        let message =
            format!("{} {}: {file} holds {other} rules, as its header says\n", program.name(), program.version());
        return Err((message, 2));
    }
    Book::read(bytes, program, names).map_err(|fault| (fault.report_file(program, &file), 2))
}

/// How long to wait for a file's lock.
pub fn wait(asked: Option<Option<u32>>) -> Wait {
    match asked {
        None => Wait::For(Duration::from_secs(10)),
        Some(None) => Wait::Forever,
        Some(Some(seconds)) => Wait::For(Duration::from_secs(seconds.into())),
    }
}

/// Prints what a command prints, bytes that are no text as they came.
pub fn print(text: &str) {
    write(&bytes_of(text));
}

/// Prints JSON, which is UTF-8 throughout.
pub fn print_json(text: &str) {
    write(text.as_bytes());
}

fn write(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        // Half a dump must not pass for a whole one.
        eprintln!("oxtables: cannot write to standard output: {error}");
        std::process::exit(4);
    }
}

/// What a program says that can reach no kernel yet.
pub fn no_kernel(program: Program) -> Failure {
    let name = program.name();
    let message = format!(
        "{name} {}: can't initialize {name} table: this release works on ruleset files only: \
         give one as `oxtables -f FILE {name} ...' or in OXTABLES_FILE\n",
        program.version()
    );
    (message, RESOURCE)
}
