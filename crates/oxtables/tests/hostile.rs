//! Broken files and senseless questions, given to the program itself: one short complaint and a status, never a panic,
//! and a file that could not be edited stays as it was.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const GOOD: &str = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n";
const PACKET: &str = "tcp 192.0.2.7:40000 -> 192.0.2.1:22 in eth0";

/// A directory that goes away again.
struct Room(PathBuf);

impl Room {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("oxtables-hostile-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn run(&self, words: &str, stdin: &[u8]) -> Output {
        let words: Vec<&str> = words.split(' ').filter(|w| !w.is_empty()).collect();
        self.words(&words, stdin)
    }

    fn words(&self, words: &[&str], stdin: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_oxtables"))
            .args(words)
            .current_dir(&self.0)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let stdin = stdin.to_vec();
        // It may end before it has read everything.
        let writer = std::thread::spawn(move || {
            let _ = pipe.write_all(&stdin);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        let shown: Vec<String> = words.iter().map(|w| w.chars().take(40).collect()).collect();
        assert!(output.status.code().is_some_and(|code| code <= 4), "{shown:?}: {} {complaint}", output.status);
        assert!(!complaint.contains("panicked"), "{shown:?}: {complaint}");
        assert!(complaint.len() < 3000, "{shown:?}: {} bytes of complaint", complaint.len());
        if !output.status.success() {
            assert!(!complaint.trim().is_empty() || !output.stdout.is_empty(), "{shown:?}: no word of why");
        }
        output
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// Texts, and whether they are a ruleset all the same.
fn texts() -> Vec<(&'static str, Vec<u8>, bool)> {
    let long = "a".repeat(200_000);
    let chains: String = (0..20_000).map(|i| format!(":c{i} - [0:0]\n")).collect();
    let jumps: String = (0..19_999).map(|i| format!("-A c{i} -j c{}\n", i + 1)).collect();
    let noise: Vec<u8> = (0..20_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let table = |body: &str| format!("*filter\n{body}\nCOMMIT\n").into_bytes();
    vec![
        ("crlf", GOOD.replace('\n', "\r\n").into_bytes(), true),
        ("byte order mark", [b"\xef\xbb\xbf", GOOD.as_bytes()].concat(), true),
        ("long comment", format!("# {long}\n{GOOD}").into_bytes(), true),
        ("many lines", format!("{}{GOOD}", "\n".repeat(200_000)).into_bytes(), true),
        ("deep", table(&format!("{chains}-A INPUT -j c0\n{jumps}")), true),
        ("truncated", GOOD.as_bytes()[..GOOD.len() - 9].to_vec(), false),
        ("truncated in a rule", GOOD.as_bytes()[..95].to_vec(), false),
        ("zeros", vec![0; 4096], false),
        ("noise", noise, false),
        ("utf-16", GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect(), false),
        ("latin-1", [b"*filter\n-A INPUT -s caf\xe9 -j DROP\nCOMMIT\n".as_slice()].concat(), false),
        ("long word", table(&format!("-A INPUT -s {long}")), false),
        ("long option", table(&format!("-A INPUT --{long}")), false),
        ("long chain", table(&format!(":{long} - [0:0]")), false),
        ("long table", format!("*{long}\nCOMMIT\n").into_bytes(), false),
        ("long counters", table(&format!("[{}:0] -A INPUT -j DROP", "9".repeat(100_000))), false),
        ("storm", table(&format!("-A INPUT {}", "! ".repeat(50_000))), false),
        ("open quote", table("-A INPUT -m comment --comment \"abc"), false),
        ("many matches", table(&format!("-A INPUT {}", "-m mark --mark 1 ".repeat(50_000))), false),
        (
            "rules without number",
            table(&format!("-A INPUT -s {0}1.1.1.1 -d {0}1.1.1.1 -j DROP", "1.2.3.4,".repeat(20_000))),
            false,
        ),
        ("missing chain", table("-A INPUT -j nobody"), false),
        ("rule of no chain", table("-A nobody -j DROP"), false),
        ("number", table("-A INPUT -p tcp --dport 18446744073709551616 -j DROP"), false),
        ("no table", b"-A INPUT -j DROP\nCOMMIT\n".to_vec(), false),
    ]
}

#[test]
fn a_broken_file_is_refused_in_one_short_message() {
    let room = Room::new("files");
    for (name, text, fine) in texts() {
        let path = room.put("rules", &text);
        for words in ["-f rules --family v4 iptables-save", "-f rules iptables -A INPUT -j ACCEPT"] {
            let output = room.run(words, b"");
            let expected = if fine || name == "deep" { 0 } else { 2 };
            assert_eq!(code(&output), expected, "{name}: {words}: {}", String::from_utf8_lossy(&output.stderr));
            if expected != 0 {
                let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(complaint.contains("rules, line "), "{name}: file and line are not named: {complaint}");
                assert_eq!(std::fs::read(&path).unwrap(), text, "{name}: changed by {words}");
            }
        }
        std::fs::write(&path, &text).unwrap();
        let output = room.run(&format!("-f rules --family v4 trace {PACKET}"), b"");
        if !fine {
            assert_eq!(code(&output), 2, "{name}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let before = GOOD.as_bytes();
        let target = room.put("target", before);
        let output = room.run("-f target iptables-restore", &text);
        if !output.status.success() {
            assert_eq!(std::fs::read(&target).unwrap(), before, "{name}: restored in part");
        }
        // Counters are not looked at without -c.
        assert_eq!(output.status.success(), (fine && name != "deep") || name == "long counters", "{name}");
    }
}

#[test]
fn circles_of_chains_are_refused() {
    let room = Room::new("circles");
    for (rules, chains) in [
        ("-A INPUT -j a\n-A a -j a", ":a - [0:0]"),
        ("-A INPUT -j a\n-A a -j b\n-A b -j a", ":a - [0:0]\n:b - [0:0]"),
        ("-A INPUT -g a\n-A a -g b\n-A b -g a", ":a - [0:0]\n:b - [0:0]"),
    ] {
        let text = format!("*filter\n{chains}\n{rules}\nCOMMIT\n");
        for (program, status) in [("iptables-restore", 4), ("iptables-legacy-restore", 1)] {
            let target = room.put("target", GOOD);
            let output = room.run(&format!("-f target {program}"), text.as_bytes());
            assert_eq!(code(&output), status, "{rules}: {}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(std::fs::read(&target).unwrap(), GOOD.as_bytes());
        }
        // Found in a file, it is walked until the call stack ends, not for ever.
        room.put("rules", &text);
        room.run(&format!("-f rules --family v4 trace {PACKET}"), b"");
    }
}

#[test]
fn calls_that_multiply_are_not_walked() {
    let room = Room::new("multiply");
    let chains: String = (0..14).map(|i| format!(":c{i} - [0:0]\n")).collect();
    let calls: String = (0..13).map(|i| format!("-A c{i} -j c{}\n", i + 1).repeat(8)).collect();
    room.put("rules", format!("*filter\n{chains}-A INPUT -j c0\n{calls}COMMIT\n"));
    let output = room.run(&format!("-f rules --family v4 trace {PACKET}"), b"");
    assert_eq!(code(&output), 2);
    assert!(String::from_utf8_lossy(&output.stderr).contains("rules: calls multiply below the chain INPUT"));
}

#[test]
fn an_edit_leaves_a_file_that_can_be_read() {
    let room = Room::new("words");
    for (words, taken) in [
        (&["-A", "INPUT", "-m", "comment", "--comment", "a\nCOMMIT\n*nat"][..], false),
        (&["-A", "INPUT", "-i", "a\nb"], false),
        (&["-A", "INPUT", "-m", "recent", "--name", "a\nb", "--set"], false),
        (&["-N", "a\nb"], false),
        (&["-A", "INPUT", "-i", "a b"], true),
        (&["-A", "INPUT", "-m", "recent", "--name", "a b", "--set"], true),
        (&["-A", "INPUT", "-m", "comment", "--comment", "a\"b\\c'd\te"], true),
    ] {
        let path = room.put("rules", GOOD);
        let line: Vec<&str> = ["-f", "rules", "iptables"].iter().chain(words).copied().collect();
        let output = room.words(&line, b"");
        assert_eq!(output.status.success(), taken, "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        if !taken {
            assert_eq!(std::fs::read(&path).unwrap(), GOOD.as_bytes(), "{words:?}");
        }
        assert_eq!(code(&room.run("-f rules iptables-save", b"")), 0, "{words:?}");
    }
}

#[test]
fn senseless_questions_are_refused() {
    let room = Room::new("questions");
    room.put("rules", GOOD);
    let long = "a".repeat(100_000);
    for host in
        ["[".to_owned(), "a=".into(), format!("a={}", "[".repeat(50_000)), format!("x=\"{long}\""), "ifaces=1".into()]
    {
        room.put("host.toml", host);
        assert_eq!(code(&room.run(&format!("-f rules trace --host host.toml {PACKET}"), b"")), 2);
    }
    for option in [
        "--host=/",
        "--host=missing",
        "--addr=eth0=1.2.3.4/99",
        "--route=10.0.0.0/33",
        "--sysctl==",
        "--mark=0x1ffffffff",
    ] {
        assert_eq!(code(&room.run(&format!("-f rules trace {option} {PACKET}"), b"")), 2, "{option}");
    }
    for packet in
        ["", "tcp", "->", "tcp 1.2.3.4:99999 -> 1.1.1.1:1", "tcp [::1 -> 1.1.1.1", &format!("tcp {long} -> 1.1.1.1")]
    {
        assert_eq!(code(&room.run(&format!("-f rules trace {packet}"), b"")), 2, "{:.40}", packet);
    }
    for file in ["/", "missing", "/dev/null/x"] {
        assert_eq!(code(&room.run(&format!("-f {file} trace {PACKET}"), b"")), 2, "{file}");
    }
    let deep = "[".repeat(100_000);
    for line in [
        "{",
        "{}",
        "null",
        "\"x\"",
        "{\"packet\":1}",
        "{\"packet\":\"\"}",
        &deep,
        &format!("{{\"packet\":\"{long}\"}}"),
    ] {
        let output = room.run("-f rules trace --batch", line.as_bytes());
        assert_eq!(code(&output), 2, "{:.40}", line);
        assert!(output.stdout.len() < 5000, "{:.40}: {} bytes of answer", line, output.stdout.len());
    }
    room.run("-f rules trace --batch", b"\xff\xfe\0\n{}\n");
}

#[test]
fn a_capture_that_lies_is_refused() {
    let room = Room::new("captures");
    room.put("rules", GOOD);
    let header = |link: u32| {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0];
        bytes.extend(link.to_le_bytes());
        bytes
    };
    let record = |held: u32, data: &[u8]| [&[0; 8], &held.to_le_bytes()[..], &held.to_le_bytes(), data].concat();
    let replay = |name: &str, bytes: &[u8]| -> i32 {
        room.put(name, bytes);
        code(&room.run(&format!("-f rules --family v4 replay --in eth0 {name}"), b""))
    };
    assert_eq!(replay("empty", b""), 2);
    assert_eq!(replay("text", GOOD.as_bytes()), 2);
    assert_eq!(replay("short", &header(101)[..10]), 2);
    assert_eq!(replay("long", &[header(101), record(u32::MAX, &[0; 40])].concat()), 2);
    assert_eq!(replay("cut", &[header(101), record(60, &[0x45; 20])].concat()), 2);
    // Headers that cannot be: each is told as such, and the replay goes on.
    let mut packets = header(101);
    for first in [0x00, 0x41, 0x45, 0x4f, 0x60, 0xff] {
        for length in [0, 1, 19, 20, 39, 40, 60] {
            for filling in [0x00_u8, 0x01, 0x2c, 0xff] {
                let mut packet = vec![filling; length];
                if let Some(byte) = packet.first_mut() {
                    *byte = first;
                }
                packets.extend(record(length as u32, &packet));
            }
        }
    }
    assert_eq!(replay("impossible", &packets), 0);
    // A capture is not its own output.
    let path = room.0.join("impossible");
    let output = room.run("-f rules --family v4 replay --in eth0 impossible -w impossible", b"");
    assert_eq!(code(&output), 2);
    assert_eq!(std::fs::read(&path).unwrap(), packets);
    // A question that cannot be answered makes no output, and empties none.
    let kept = room.put("kept", "what was there");
    let output = room.run("-f rules --family v4 replay impossible -w kept", b"");
    assert_eq!((code(&output), std::fs::read(kept).unwrap()), (2, b"what was there".to_vec()));
    let output = room.run("-f rules --family v4 replay impossible -w new", b"");
    assert_eq!((code(&output), room.0.join("new").exists()), (2, false));
}

#[test]
fn lost_output_is_not_success() {
    let room = Room::new("full");
    room.put("rules", GOOD);
    if !Path::new("/dev/full").exists() {
        println!("skipped: no /dev/full here");
        return;
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_oxtables"))
        .args(["-f", "rules", "iptables-save"])
        .current_dir(&room.0)
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(4));
}
