//! What the asking verbs do where no example reaches: bare rulesets, captures, states that are taken for granted.

use ox_io::pcap::{self, Link};
use ox_packet::{Build, tcp};
use serde_json::{Value, json};
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn oxtables(words: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_oxtables"))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn example(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name).display().to_string()
}

/// Asks with nothing known but the rules.
fn bare(rules: &str, packet: &str) -> Value {
    let output = oxtables(&["-f", &example(rules), "trace", "--batch"], &json!({ "packet": packet }).to_string());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["error"].is_null(), "{packet}: {answer}");
    answer
}

fn first<'a>(answer: &'a Value, key: &str) -> &'a str {
    answer["outcomes"][0][key].as_str().unwrap_or_default()
}

#[test]
fn a_bare_kube_dump_gives_the_answers_people_expect() {
    let kube = "kube-node/rules.v4";
    let ends = |packet: &str| {
        let answer = bare(kube, packet);
        assert!(!answer["assumed"].as_array().unwrap().is_empty(), "{packet}: nothing is said of what is assumed");
        let ways = answer["outcomes"].as_array().unwrap().len();
        (first(&answer, "verdict").to_owned(), first(&answer, "packet").rsplit(' ').next().unwrap().to_owned(), ways)
    };
    let is = |verdict: &str, to: &str, ways| (verdict.to_owned(), to.to_owned(), ways);
    // A Service from a pod, from the node, by its node port, without endpoints.
    assert_eq!(ends("tcp 10.244.1.5:4000 -> 10.96.0.20:80 in cni0"), is("forwarded", "10.244.1.7:8080", 2));
    assert_eq!(ends("-p tcp -d 10.96.0.20 --dport 80"), is("sent", "10.244.1.7:8080", 2));
    assert_eq!(ends("tcp 203.0.113.7:4000 -> 192.0.2.10:30080 in eth0"), is("forwarded", "10.244.1.8:8080", 2));
    assert_eq!(ends("tcp 10.244.1.5:4000 -> 10.96.70.1:80 in cni0"), is("rejected", "10.96.70.1:80", 1));
    // To the node, between pods, and out.
    assert_eq!(ends("tcp 203.0.113.7:4000 -> 192.0.2.10:22 in eth0"), is("delivered", "192.0.2.10:22", 1));
    assert_eq!(ends("tcp 10.244.1.5:4000 -> 10.244.2.7:8080 in cni0"), is("forwarded", "10.244.2.7:8080", 1));
    assert_eq!(ends("tcp 10.244.1.5:4000 -> 198.51.100.80:443 in cni0"), is("forwarded", "198.51.100.80:443", 1));
}

#[test]
fn bare_rules_tell_a_good_deal_about_their_host() {
    let docker = bare("docker-host/rules.v4", "tcp 203.0.113.7:4000 -> 192.0.2.10:8080 in eth0");
    assert_eq!(first(&docker, "packet"), "tcp 203.0.113.7:4000 -> 172.18.0.2:80");
    let router = bare("home-router/rules.v4", "tcp 192.168.1.10:4000 -> 198.51.100.80:443 in lan0");
    assert_eq!((first(&router, "verdict"), first(&router, "out")), ("forwarded", "wan0"));
    let server = bare("ufw-server/rules.v4", "tcp 203.0.113.7:4000 -> 192.0.2.10:443 in eth0");
    assert_eq!(first(&server, "verdict"), "delivered");
    let host = bare("ipv6-host/rules.v6", "tcp [2001:db8:ffff::7]:4000 -> [2001:db8:1::10]:443 in eth0");
    assert_eq!(first(&host, "verdict"), "delivered");
}

#[test]
fn what_is_said_goes_before_what_is_assumed() {
    let kube = "kube-node/rules.v4";
    let rules = example(kube);
    let ask = |option: &str| {
        let words = ["-f", &rules, "--format", "json", "trace", option, "-i", "eth0", "-p", "tcp", "-s", "203.0.113.7"];
        let output = oxtables(&[words.as_slice(), &["-d", "192.0.2.10", "--dport", "22"]].concat(), "");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(first(&ask("--to-host"), "verdict"), "delivered");
    assert_eq!(first(&ask("--through"), "verdict"), "forwarded");
}

#[test]
fn states_can_be_taken_for_granted() {
    let path = room("states");
    let rules = path.join("rules.v4");
    let each = ["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"];
    let lines: Vec<String> = each
        .iter()
        .map(|s| format!("-A INPUT -m conntrack --ctstate {s} -m comment --comment {s} -j ACCEPT\n"))
        .collect();
    std::fs::write(&rules, format!("*filter\n:INPUT DROP [0:0]\n{}COMMIT\n", lines.concat())).unwrap();
    for protocol in ["-p tcp --dport 80", "-p udp --dport 80", "-p icmp"] {
        for state in each {
            let packet = format!("-i eth0 {protocol} -s 203.0.113.7 -d 192.0.2.10 --ctstate {state}");
            let line = json!({ "packet": packet }).to_string();
            let output = oxtables(&["-f", rules.to_str().unwrap(), "trace", "--batch"], &line);
            let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(answer["outcomes"][0]["because"]["comment"], state, "{packet}: {answer}");
        }
    }
}

#[test]
fn the_exit_status_tells() {
    let ufw = example("ufw-server/rules.v4");
    let status = |rules: &str, packet: &[&str]| {
        let words = [&["-f", rules, "trace", "-i", "eth0", "-p", "tcp", "-s", "203.0.113.7"], packet].concat();
        oxtables(&words, "").status.code().unwrap()
    };
    assert_eq!(status(&ufw, &["-d", "192.0.2.10", "--dport", "443"]), 0);
    assert_eq!(status(&ufw, &["-d", "192.0.2.10", "--dport", "25"]), 1);
    assert_eq!(status(&ufw, &["-d", "192.0.2.10"]), 2);
    let path = room("status").join("rules.v4");
    std::fs::write(&path, "*filter\n-A INPUT -m set --match-set s src -j DROP\nCOMMIT\n").unwrap();
    assert_eq!(status(path.to_str().unwrap(), &["-d", "192.0.2.10", "--dport", "80"]), 3);
}

fn room(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("oxtables-asking-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn a_capture_goes_through_the_rules_and_comes_out_rewritten() {
    let room = room("replay");
    let (input, output) = (room.join("in.pcap"), room.join("out.pcap"));
    let (client, web, empty, pod) =
        (Ipv4Addr::new(10, 244, 1, 5), Ipv4Addr::new(10, 96, 0, 20), Ipv4Addr::new(10, 96, 70, 1), 8080);
    let mut writer = pcap::create(&input, Link::Ip).unwrap();
    let packets = [
        Build::tcp((client, 40_000), (web, 80), tcp::SYN).bytes(),
        Build::tcp((client, 40_001), (empty, 80), tcp::SYN).bytes(),
        vec![0x45, 0, 0],
    ];
    for (n, bytes) in packets.iter().enumerate() {
        writer.write(1_700_000_000_000_000_000 + n as u64 * 1_000_000, bytes, bytes.len() as u32).unwrap();
    }
    writer.finish().unwrap();
    let (rules, host) = (example("kube-node/rules.v4"), example("kube-node/host.toml"));
    let words =
        ["-f", &rules, "--format", "json", "replay", input.to_str().unwrap(), "--host", &host, "--in", "cni0", "-w"];
    let run = oxtables(&[words.as_slice(), &[output.to_str().unwrap()]].concat(), "");
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(run.status.code(), Some(0));
    let verdicts: Vec<&str> =
        report["packets"].as_array().unwrap().iter().filter_map(|p| p["verdict"].as_str()).collect();
    assert_eq!(verdicts, ["forwarded", "rejected", "skipped"]);
    assert_eq!(report["connections"].as_array().unwrap().len(), 1);
    let masked = report["rules"].as_array().unwrap().iter().find(|r| r["text"].as_str().unwrap().contains("-j REJECT"));
    assert_eq!(masked.unwrap()["packets"], 1);
    let mut out = pcap::open(&output).unwrap();
    let mut packet = pcap::Packet::default();
    assert!(out.read(&mut packet).unwrap());
    let text = ox_packet::show(&packet.bytes);
    assert!(text.contains(&format!(":{pod} [S]")), "{text}");
    assert!(!out.read(&mut packet).unwrap());
    // Cut short in the middle of the second packet: the first one counts, and the break is told.
    let whole = std::fs::read(&input).unwrap();
    std::fs::write(&input, &whole[..whole.len() - 30]).unwrap();
    let run = oxtables(&[words.as_slice(), &[output.to_str().unwrap()]].concat(), "");
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stderr).contains("in.pcap"));
    assert!(!run.stdout.is_empty());
    std::fs::remove_dir_all(room).unwrap();
}

#[test]
fn hostile_questions_are_refused_in_a_line() {
    let rules = example("kube-node/rules.v4");
    let long = "9".repeat(100_000);
    let packets = [
        "",
        "->",
        "tcp ->",
        "-> tcp",
        "tcp a:b -> c:d",
        "tcp 1.2.3.4:99999 -> 1.2.3.4:1",
        "-p tcp -d",
        "\"",
        "tcp 1.2.3.4:1 -> 1.2.3.4:1 in",
        "tcp [::1:1 -> [::1]:1",
        "-p 300 -d 1.2.3.4",
        "-p tcp -d 1.2.3.4 --dport \u{0}",
        "--pcap /dev/null",
        "--pcap /nonexistent:3",
        "-p icmp -d 1.2.3.4 --icmp-type 3/999",
        "-i this-name-is-too-long -p udp -d 1.2.3.4 --dport 1",
        "-p tcp -d 1.2.3.4 --dport 1 --length 1",
        "-p tcp -d 1.2.3.4 --dport 1 --tcp-flags X",
        "-p udp -d 1.2.3.4 --dport 1 --syn",
        long.as_str(),
    ];
    let input: String = packets.iter().map(|p| format!("{}\n", json!({ "packet": p }))).collect();
    let input = format!("{input}nonsense\n[1]\n{{\"packet\":1}}\n{{\"packet\":\"x\",\"what\":1}}\n");
    let output = oxtables(&["-f", &rules, "trace", "--batch"], &input);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), packets.len() + 4);
    for (line, packet) in text.lines().zip(packets.iter().chain(&["", "", "", ""])) {
        let answer: Value = serde_json::from_str(line).unwrap();
        assert!(answer["error"].as_str().is_some_and(|e| !e.is_empty()), "{packet}: {line}");
    }
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn chains_in_a_circle_are_refused() {
    let path = room("circle").join("rules.v4");
    let text = "*filter\n:A - [0:0]\n:B - [0:0]\n-A INPUT -j A\n-A A -p tcp -j B\n-A B -g A\nCOMMIT\n";
    std::fs::write(&path, text).unwrap();
    let words = ["-f", path.to_str().unwrap(), "trace", "tcp", "1.2.3.4:5", "->", "5.6.7.8:80", "in", "eth0"];
    let output = oxtables(&words, "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("line 5") && said.contains("A -> B -> A"), "{said}");
}
