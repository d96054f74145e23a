//! Every question of every example, asked of the program itself: each answer was seen from a Linux kernel first.
//!
//! `examples/README.md` says what the keys of a question mean.

use libtest_mimic::{Arguments, Failed, Trial};
use ox_test::questions::{Example, Outcome, Question, examples, same_packet};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

fn main() {
    let arguments = Arguments::from_args();
    let examples = examples().unwrap_or_else(|why| panic!("{why}"));
    let mut trials = vec![Trial::test("there are examples", {
        let count = examples.len();
        move || if count >= 20 { Ok(()) } else { Err(format!("only {count} were found").into()) }
    })];
    for example in examples {
        for question in &example.questions {
            let (example, question) = (example.clone(), question.clone());
            let name = format!("{}: {}", example.name, question.ask);
            trials.push(Trial::test(name, move || check(&example, &question)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn check(example: &Example, question: &Question) -> Result<(), Failed> {
    let answer = ask(example, question)?;
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

fn ask(example: &Example, question: &Question) -> Result<Value, Failed> {
    let rules = example.dumps().into_iter().next().ok_or("no rules")?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_oxtables"))
        .arg("-f")
        .arg(rules)
        .args(["trace", "--batch", "--host"])
        .arg(example.directory.join("host.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let Question { packet, before, wait, seed, .. } = question;
    let line = json!({ "packet": packet, "before": before, "wait": wait, "seed": seed });
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
