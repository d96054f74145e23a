//! Every question of every example, asked of the program itself: each answer was seen from a Linux kernel first.
//!
//! `examples/README.md` says what the keys of a question mean.

use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Questions {
    question: Vec<Question>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    ask: String,
    packet: String,
    #[serde(default)]
    before: Vec<String>,
    #[serde(default = "one")]
    seed: u64,
    outcome: Vec<Outcome>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcome {
    verdict: String,
    out: Option<String>,
    packet: Option<String>,
    probability: Option<f64>,
    decided_by: Option<String>,
    reply: Option<String>,
}

fn one() -> u64 {
    1
}

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut directories = Vec::new();
    collect(&root, &mut directories);
    directories.sort();
    let mut trials = vec![Trial::test("there are examples", {
        let count = directories.len();
        move || if count >= 20 { Ok(()) } else { Err(format!("only {count} were found").into()) }
    })];
    for directory in directories {
        let name = directory.strip_prefix(&root).unwrap_or(&directory).display().to_string();
        let text = std::fs::read_to_string(directory.join("questions.toml")).unwrap();
        let questions: Questions = toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        for question in questions.question {
            let directory = directory.clone();
            trials.push(Trial::test(format!("{name}: {}", question.ask), move || check(&directory, &question)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn collect(at: &Path, found: &mut Vec<PathBuf>) {
    if at.join("questions.toml").exists() {
        found.push(at.to_owned());
    }
    for entry in std::fs::read_dir(at).unwrap().flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), found);
        }
    }
}

fn check(directory: &Path, question: &Question) -> Result<(), Failed> {
    let answer = ask(directory, question)?;
    if answer["oxtables"] != 1 {
        return Err(format!("no answer of version 1: {answer}").into());
    }
    let ways = answer["outcomes"].as_array().ok_or_else(|| format!("no outcomes: {answer}"))?;
    // What a random branch of the packets sent before decides is not claimed, nor is how often.
    if let [only] = question.outcome.as_slice()
        && only.probability.is_none()
    {
        return match ways.iter().map(|w| differs(only, w)).find(Result::is_err) {
            Some(error) => error,
            None => Ok(()),
        };
    }
    if ways.len() != question.outcome.len() {
        return Err(format!("{} outcomes are expected, {} came", question.outcome.len(), ways.len()).into());
    }
    for expected in &question.outcome {
        let results: Vec<_> = ways.iter().map(|w| differs(expected, w)).collect();
        if results.iter().filter(|r| r.is_ok()).count() != 1 {
            let why: Vec<String> = results.into_iter().filter_map(Result::err).map(|e| format!("{e:?}")).collect();
            return Err(format!("{expected:?} is not exactly one of the outcomes:\n{}", why.join("\n")).into());
        }
    }
    Ok(())
}

fn ask(directory: &Path, question: &Question) -> Result<Value, Failed> {
    let rules = ["rules.v4", "rules.v6"].map(|f| directory.join(f)).into_iter().find(|f| f.exists()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_oxtables"))
        .arg("-f")
        .arg(rules)
        .args(["trace", "--batch", "--host"])
        .arg(directory.join("host.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let line = json!({ "packet": question.packet, "before": question.before, "seed": question.seed });
    writeln!(child.stdin.take().unwrap(), "{line}")?;
    let output = child.wait_with_output()?;
    let text = String::from_utf8(output.stdout)?;
    let answer: Value = serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))?;
    match answer["error"].as_str() {
        Some(error) => Err(error.into()),
        None => Ok(answer),
    }
}

/// Whether an outcome is what was expected of it.
fn differs(expected: &Outcome, way: &Value) -> Result<(), Failed> {
    let Outcome { verdict, out, packet, probability, decided_by, reply } = expected;
    let texts = |key: &str, want: &Option<String>| match want {
        Some(want) if way[key].as_str() != Some(want) => Err(format!("{key}: expected {want}, got {}", way[key])),
        _ => Ok(()),
    };
    texts("verdict", &Some(verdict.clone()))?;
    texts("out", out)?;
    texts("reply", reply)?;
    if let Some(want) = packet {
        let got = way["packet"].as_str().unwrap_or_default();
        if !same_packet(want, got) {
            return Err(format!("packet: expected {want}, got {got}").into());
        }
    }
    if let Some(want) = probability {
        let got = way["probability"].as_f64().unwrap_or(-1.0);
        if (want - got).abs() > 0.001 {
            return Err(format!("probability: expected {want}, got {got}").into());
        }
    }
    if let Some(want) = decided_by {
        let mut rules: Vec<&str> =
            way["decided_by"].as_array().into_iter().flatten().filter_map(|r| r["text"].as_str()).collect();
        rules.extend(way["ended_by"]["text"].as_str());
        let stopped = matches!(verdict.as_str(), "dropped" | "rejected" | "queued");
        let named = if stopped { rules.last() == Some(&want.as_str()) } else { rules.contains(&want.as_str()) };
        if !named {
            return Err(format!("decided_by: expected {want}, got {rules:#?}").into());
        }
    }
    Ok(())
}

/// `*` is any port.
fn same_packet(want: &str, got: &str) -> bool {
    let (want, got): (Vec<&str>, Vec<&str>) = (want.split(' ').collect(), got.split(' ').collect());
    want.len() == got.len()
        && want.iter().zip(&got).all(|(w, g)| match w.strip_suffix(":*") {
            Some(addr) => g.rsplit_once(':').is_some_and(|(a, port)| a == addr && port.parse::<u16>().is_ok()),
            None => w == g,
        })
}
