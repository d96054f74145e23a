//! `cargo xtask test`: everything a change must pass, in one command.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Programs that some tests ask, and the Debian packages they are in.
const PROGRAMS: [(&str, &str); 6] = [
    ("iptables-nft", "iptables"),
    ("nft", "nftables"),
    ("conntrack", "conntrack"),
    ("ipset", "ipset"),
    ("ip", "iproute2"),
    ("nfacct", "nfacct"),
];

/// Runs all of it, even behind a failure; whether all passed.
pub fn main(root: &Path) -> bool {
    programs();
    let mut failed = Vec::new();
    let mut step = |name: &'static str, run: &dyn Fn() -> bool| {
        println!("\n=== {name}");
        let start = Instant::now();
        let passed = run();
        println!("=== {name}: {} ({:.0} s)", if passed { "passed" } else { "FAILED" }, start.elapsed().as_secs_f64());
        if !passed {
            failed.push(name);
        }
    };
    let cargo = |words: &'static str| move || cargo(root, words);
    step("formatting", &cargo("fmt --all --check"));
    step("lints", &cargo("clippy --workspace --all-targets --quiet -- -D warnings"));
    step("tidy", &|| super::tidy::main(root));
    // The comparisons with the stock programs and with the kernel run in one process each, because they count over all
    // their tests, and show what they counted.
    if has("cargo-nextest") {
        const COUNTING: &str = "binary(oracle)|binary(commands)|binary(translate)|binary(abi)|binary(differential)";
        let others = format!("nextest run --workspace --no-fail-fast -E not({COUNTING})");
        step("tests", &|| self::cargo(root, &others));
        step("examples in the documentation", &cargo("test --workspace --doc"));
        step("comparison with the stock programs", &cargo("test -p ox-test --test oracle"));
        step("sessions of commands", &cargo("test -p ox-test --test commands"));
        step("translations", &cargo("test -p ox-test --test translate"));
        step("structures of the kernel", &cargo("test -p ox-test --test abi"));
        step("comparison with the kernel", &cargo("test -p ox-test --test differential -- --nocapture"));
    } else {
        step("tests", &cargo("test --workspace --no-fail-fast"));
    }
    match failed.as_slice() {
        [] => println!("\neverything passed"),
        some => println!("\nFAILED: {}", some.join(", ")),
    }
    failed.is_empty()
}

fn cargo(root: &Path, words: &str) -> bool {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo).args(words.split(' ')).current_dir(root).status();
    match status {
        Ok(status) => status.success(),
        Err(why) => {
            println!("cargo {words}: {why}");
            false
        }
    }
}

/// Whether a program is in PATH (or where root's programs are).
fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).any(|dir| dir.join(program).is_file())
}

/// Installs the programs that tests ask where that can be done, and says what is skipped where it cannot.
fn programs() {
    let missing = || PROGRAMS.iter().filter(|(program, _)| !has(program)).map(|&(_, package)| package);
    let root = run("id", &["-u"]).is_some_and(|out| out.trim() == "0");
    if !root {
        println!("skipped: everything in network namespaces, which only root may make");
        return;
    }
    let packages: Vec<&str> = missing().collect();
    if packages.is_empty() {
        return;
    }
    if has("apt-get") {
        println!("installing from Debian, for tests that ask the stock programs: {}", packages.join(" "));
        let installed = run("apt-get", &["-qq", "update"]).is_some()
            && run("apt-get", &[&["-qq", "-y", "--no-install-recommends", "install"][..], &packages].concat())
                .is_some();
        if !installed {
            println!("apt-get did not succeed");
        }
    }
    let packages: Vec<&str> = missing().collect();
    if !packages.is_empty() {
        println!("skipped: tests that ask programs of these packages: {}", packages.join(" "));
    }
}

/// The output of a program that succeeds.
fn run(program: &str, args: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stderr(Stdio::inherit());
    let out = command.output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}
