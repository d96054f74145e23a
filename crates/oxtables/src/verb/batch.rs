//! `trace --batch`: one JSON question a line in, one JSON answer a line out.

use super::trace::{Desk, Question, packet_line};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;

/// A question.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Given back with the answer.
    id: Option<Value>,
    /// The packet, as on the command line.
    packet: String,
    /// Packets sent first.
    #[serde(default)]
    before: Vec<String>,
    /// Seconds between those and the packet.
    #[serde(default)]
    wait: u32,
    /// What decides chance for the packets sent first.
    #[serde(default = "one")]
    seed: u64,
    /// Follow only the branch that the seed picks.
    #[serde(default)]
    pick: bool,
}

fn one() -> u64 {
    1
}

#[derive(Serialize)]
struct Reply<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    #[serde(flatten)]
    answer: T,
}

#[derive(Serialize)]
struct Failure {
    oxtables: u32,
    error: String,
}

/// Any value of ours as a line of JSON.
pub fn json(value: &impl Serialize) -> String {
    // Maps with keys that are not text and failing writers are what can go wrong, and there are none.
    serde_json::to_string(value).unwrap_or_else(|e| format!("{{\"oxtables\":1,\"error\":\"{e}\"}}"))
}

/// Answers until the questions end. The exit status is 2 if any question could not be understood, else 0.
pub fn run(desk: &mut Desk<'_>, near: bool) -> ExitCode {
    let mut status = ExitCode::SUCCESS;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = match line {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => line,
            Err(e) => return super::complain(&format!("standard input: {e}")),
        };
        let reply = match ask(desk, &line, near) {
            Ok(reply) => reply,
            Err((id, error)) => {
                status = ExitCode::from(2);
                let error = ox_rules::syntax::shorten(error);
                json(&Reply { id, answer: Failure { oxtables: 1, error } })
            }
        };
        if writeln!(out, "{reply}").and_then(|()| out.flush()).is_err() {
            return ExitCode::from(4);
        }
    }
    status
}

fn ask(desk: &mut Desk<'_>, line: &str, near: bool) -> Result<String, (Option<Value>, String)> {
    let Line { id, packet, before, wait, seed, pick } =
        serde_json::from_str(line).map_err(|e| (None, e.to_string()))?;
    let fail = |why: String| (id.clone(), why);
    let packet = packet_line(&packet).map_err(|w| fail(w.0))?;
    let before = before.iter().map(|b| packet_line(b)).collect::<Result<Vec<_>, _>>().map_err(|w| fail(w.0))?;
    let question = Question { packet, before, wait, seed, all: !pick, near };
    let answer = desk.ask(&question).map_err(fail)?;
    Ok(json(&Reply { id, answer }))
}
