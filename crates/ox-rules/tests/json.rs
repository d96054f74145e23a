//! JSON that is not what it should be: each time one clear fault that names the place, and no panic.

use ox_packet::Family;
use ox_rules::bytes::bytes_of;
use ox_rules::ir::Dialect;
use ox_rules::model::TableName;
use ox_rules::syntax::{Book, JsonOf, NoNames, Only, Out, Program, TextCx, TextKind, dump, json};
use proptest::prelude::*;
use proptest::sample::Index;

const PROGRAM: Program = Program { family: Family::V4, dialect: Dialect::Nft };

fn load(bytes: &[u8], kind: TextKind, book: &mut Book<'_>) -> Result<Vec<TableName>, (String, u8)> {
    let cx = TextCx { program: PROGRAM, names: &NoNames, kind };
    book.restore_json(bytes, cx, &mut Out::default()).map_err(|fault| fault.report(PROGRAM, "x"))
}

const PLAIN: TextKind = TextKind::Restore { counters: true, noflush: false, only: None, verbose: false, test: false };

fn fault(bytes: &[u8]) -> String {
    let (text, status) = load(bytes, PLAIN, &mut Book::empty(Family::V4)).expect_err("it was taken");
    assert_eq!(status, 2, "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.len() < 900, "{} letters", text.len());
    text.trim_end().strip_prefix("iptables-restore v1.8.13 (nf_tables): x").expect("program and text").to_owned()
}

fn saved(book: &Book<'_>) -> String {
    let mut out = Out::default();
    for table in &book.ruleset.tables {
        dump(table, PROGRAM, true, "DATE", &mut out);
    }
    out.text
}

fn taken(text: &str, kind: TextKind) -> String {
    let mut book = Book::empty(Family::V4);
    if let Err((why, _)) = load(text.as_bytes(), kind, &mut book) {
        panic!("{text}\n{why}");
    }
    saved(&book)
}

fn rules(rules: &str) -> String {
    tables(&format!(r#"{{"name":"filter","chains":[{{"name":"INPUT","rules":[{rules}]}}]}}"#))
}

fn tables(tables: &str) -> String {
    format!(r#"{{"oxtables":1,"family":"ipv4","tables":[{tables}]}}"#)
}

#[test]
fn what_is_no_json_is_told_by_line_and_column() {
    for (bytes, wanted) in [
        (&b""[..], ", line 1, column 0: this is not JSON: EOF while parsing a value"),
        (b"*filter\nCOMMIT\n", ", line 1, column 1: this is not JSON: expected value"),
        (b"{\"oxtables\":1,\n\"family\":\"ipv4\",", ", line 2, column 16: this is not JSON: EOF while parsing a value"),
        (b"{\"oxtables\":1,\"family\":\"ip\0v4\"", "control character"),
        (b"{\"oxtables\":1,\"family\":\"ip\xffv4\"", ", line 1, column 27: the byte 0xff is not UTF-8, and JSON is"),
        (b"{\"oxtables\":1,\"family\":\"\\ud800\"", "this is not JSON"),
        (b"{\"oxtables\":01}", "this is not JSON: invalid number"),
        (b"{\"oxtables\":1e999}", "number out of range"),
        (b"[]", "line 1, column 0: invalid type: sequence, expected an object with `oxtables'"),
        (b"7", "invalid type: integer `7`, expected an object with `oxtables'"),
    ] {
        let got = fault(bytes);
        assert!(got.contains(wanted), "{}\n{got}\n{wanted}", String::from_utf8_lossy(bytes));
    }
    let whole = tables("");
    assert!(fault(format!("{whole}x").as_bytes()).contains("trailing characters"));
    for cut in 0..whole.len() {
        assert!(fault(&whole.as_bytes()[..cut]).contains("this is not JSON"), "{cut}");
    }
}

#[test]
fn a_fault_names_its_path_and_value() {
    let mut others = String::new();
    let nest = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let deeper = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (text, wanted) in [
        // The frame.
        (r#"{"oxtables":2}"#.into(), ": oxtables: 2: this form is not known here; 1 is"),
        (r#"{"oxtables":"1"}"#.into(), r#": oxtables: "1": this form"#),
        (r#"{"oxtables":1,"family":"ipv4"}"#.into(), ": `tables' is missing"),
        (
            r#"{"oxtables":1,"family":"ipv6","tables":[]}"#.into(),
            r#": family: "ipv6": these are not the rules of iptables"#,
        ),
        (r#"{"oxtables":1,"family":4,"tables":[]}"#.into(), ": family: 4: a string is expected"),
        (r#"{"oxtables":1,"oxtables":1}"#.into(), ": oxtables: this field is there twice"),
        (r#"{"oxtables":1,"familie":4}"#.into(), ": familie: there is no such field here (is `family' meant?)"),
        (tables("5"), "tables[0]: invalid type: integer `5`, expected a table"),
        (tables(r#"{"chains":[]}"#), ": tables[0]: `name' is missing"),
        (tables(r#"{"name":"filtre"}"#), r#": tables[0].name: "filtre" is no table"#),
        (tables(r#"{"name":"nat"},{"name":"nat"}"#), ": tables[1].name: the table nat is there twice"),
        (tables(r#"{"name":"nat","chains":{}}"#), "tables[0].chains: invalid type: map, expected a list of chains"),
        (tables(r#"{"name":"nat","chains":[{"rules":[]}]}"#), ": tables[0].chains[0]: `name' is missing"),
        (
            tables(r#"{"name":"nat","chains":[{"name":"a"},{"name":"a"}]}"#),
            r#": tables[0].chains[1].name: the chain "a" is there twice"#,
        ),
        (tables(r#"{"name":"nat","chains":[{"name":"a b"}]}"#), ": tables[0].chains[0].name: Invalid chain name `a b'"),
        (
            tables(r#"{"name":"filter","chains":[{"name":"a","policy":"DROP"}]}"#),
            r#": tables[0].chains[0].policy: "DROP": a is a chain of the user's"#,
        ),
        (
            tables(r#"{"name":"filter","chains":[{"name":"INPUT","policy":"RETURN"}]}"#),
            r#": tables[0].chains[0].policy: "RETURN" is no policy"#,
        ),
        (
            tables(r#"{"name":"filter","chains":[{"name":"INPUT","counters":{"packets":-1,"bytes":0}}]}"#),
            ": tables[0].chains[0].counters.packets: -1: a whole number",
        ),
        // A rule.
        (rules("7"), ": tables[0].chains[0].rules[0]: 7 is no rule"),
        (rules("{},{},null"), ": tables[0].chains[0].rules[2]: null is no rule"),
        (rules(r#"{"sourze":"1.1.1.1"}"#), ".rules[0].sourze: there is no such field here (is `source' meant?)"),
        (rules(r#"{"source":"1.1.1.1","source":"1.1.1.1"}"#), ".rules[0].source: this field is there twice"),
        (rules(r#"{"source":7}"#), ".rules[0].source: 7: a string is expected"),
        (rules(r#"{"source":"300.1.1.1"}"#), ".rules[0].source: `300.1.1.1'"),
        (rules(r#"{"source":{"nor":"1.1.1.1"}}"#), r#".rules[0].source: the only object here is {"not": ...}"#),
        (rules(r#"{"source":{"not":{"not":"1.1.1.1"}}}"#), ".rules[0].source: an object: a string is expected"),
        (rules(r#"{"out_interface":"eth0"}"#), ".rules[0]: Can't use -o with INPUT"),
        (rules(r#"{"source":"!"}"#), ".rules[0].source: "),
        (rules(r#"{"protocol":"nosuch"}"#), r#".rules[0].protocol: unknown protocol "nosuch" specified"#),
        (rules(r#"{"fragment":false}"#), ".rules[0].fragment: false: true is expected"),
        (rules(r#"{"jump":"nosuch"}"#), ".rules[0].jump: Chain 'nosuch' does not exist"),
        (rules(r#"{"jump":"ACCEPT"}"#), r#".rules[0].jump: "ACCEPT" is no chain: say "target""#),
        (rules(r#"{"jump":"a","goto":"b"}"#), ".rules[0].goto: a rule has one of `jump' and `goto'"),
        (rules(r#"{"counters":{"packets":1}}"#), ".rules[0].counters: `bytes' is missing"),
        (
            rules(r#"{"counters":{"packets":18446744073709551616,"bytes":0}}"#),
            ".rules[0].counters.packets: 1.8446744073709552e19: a whole number",
        ),
        (rules(r#"{"rule":"-A INPUT -j DROP"}"#), ".rules[0].rule: the rule's fields say `-A INPUT'"),
        (rules(r#"{"rule":"\""}"#), ".rules[0].rule: the rule's fields say"),
        // Extensions.
        (rules(r#"{"matches":{}}"#), ".rules[0].matches: an object: a list of matches is expected"),
        (rules(r#"{"matches":["tcp"]}"#), r#".rules[0].matches[0]: "tcp" is no match: an object"#),
        (rules(r#"{"matches":[{"dport":1}]}"#), ".rules[0].matches[0]: a match without `name'"),
        (rules(r#"{"matches":[{"name":"tcpp"}]}"#), r#".matches[0].name: there is no match "tcpp" (is `tcp' meant?)"#),
        (rules(r#"{"target":{"name":"blocked"}}"#), "; a chain is named by `jump'"),
        (
            rules(r#"{"protocol":"tcp","matches":[{"name":"tcp"},{"name":"tcp","dporte":1}]}"#),
            ".matches[1].dporte: there is no such field here (is `dport' meant?)",
        ),
        (
            rules(r#"{"protocol":"tcp","matches":[{"name":"tcp","dport":1,"destination_port":2}]}"#),
            ".matches[0].destination_port: this says the same as `dport' beside it",
        ),
        (
            rules(r#"{"protocol":"tcp","matches":[{"name":"tcp","dport":"nosuch"}]}"#),
            ".matches[0].dport: tcp: --dport: `nosuch' is not a port",
        ),
        (
            rules(r#"{"protocol":"tcp","matches":[{"name":"tcp","dport":99999999999999999999}]}"#),
            ".matches[0].dport: 1e20: a number or a string is expected",
        ),
        (
            rules(r#"{"protocol":"tcp","matches":[{"name":"tcp","dport":[22]}]}"#),
            ".matches[0].dport: a list: a number or a string is expected",
        ),
        (
            rules(r#"{"protocol":"tcp","matches":[{"name":"tcp","syn":"yes"}]}"#),
            r#".matches[0].syn: "yes": true is expected"#,
        ),
        (
            rules(r#"{"protocol":"tcp","matches":[{"name":"tcp","tcp_flags":["SYN"]}]}"#),
            ".matches[0].tcp_flags: a list: a list of 2 is expected",
        ),
        (
            rules(r#"{"protocol":"tcp","matches":[{"name":"tcp","tcp_flags":[["SYN"],["SIN"]]}]}"#),
            ".matches[0].tcp_flags[1]: ",
        ),
        (rules(r#"{"matches":[{"name":"comment","comment":7}]}"#), ".matches[0].comment: 7: a string is expected"),
        (
            rules(r#"{"matches":[{"name":"comment","comment":"a\u0000b"}]}"#),
            r#".matches[0].comment: "a\0b": no word of a rule can have a zero byte in it"#,
        ),
        (
            rules(r#"{"matches":[{"name":"comment","comment":"a\nCOMMIT"}]}"#),
            r#".matches[0].comment: "a\nCOMMIT": no word of a rule can have a line break in it"#,
        ),
        (
            rules(r#"{"matches":[{"name":"conntrack","ctstate":[]}]}"#),
            ".matches[0].ctstate: []: a list with something in it is expected",
        ),
        (
            rules(r#"{"matches":[{"name":"mark","mark":{"not":"0x1","or":1}}]}"#),
            r#".matches[0].mark: the only object here is {"not": ...}"#,
        ),
        (rules(r#"{"matches":[{"name":"mark"}]}"#), ".matches[0].name: mark: option"),
        (
            rules(r#"{"matches":[{"name":"policy","dir":"in","pol":"ipsec","next":{"spi":1}}]}"#),
            ".matches[0].next: an object: a list of objects is expected",
        ),
        // Words of strangers stay theirs.
        (
            rules(r#"{"matches":[{"name":"strange","words":["-j","ACCEPT"]}]}"#),
            ".rules[0].matches: the words of strange are not all its own",
        ),
        (
            rules(r#"{"matches":[{"name":"strange","words":"-j"}]}"#),
            r#".matches[0].words: "-j": a list of strings is expected"#,
        ),
        (
            rules(r#"{"matches":[{"name":"strange","words":[],"dport":7}]}"#),
            ".matches[0].dport: no other field stands beside `words'",
        ),
        (
            rules(r#"{"protocol":"tcp","matches":[{"name":"tcp","words":["--dport","22","-j","DROP"]}]}"#),
            ".matches[0].words: these are not only options of tcp",
        ),
        (
            rules(r#"{"matches":[{"name":"policy","dir":"in","next":[{"spi":1,"next":[{"spi":2}]}]}]}"#),
            ".matches[0].next[0].next: groups stand in one list",
        ),
        // Depth.
        (rules(&format!(r#"{{"source":{nest}}}"#)), "lists and objects are too deep in one another"),
        (rules(&format!(r#"{{"source":{deeper}}}"#)), "lists and objects are too deep in one another"),
        (deeper.clone(), "invalid type: sequence"),
    ] {
        let got = fault(text.as_bytes());
        if !got.contains(wanted) {
            others.push_str(&format!("{text:.300}\n{got}\n{wanted}\n"));
        }
    }
    assert!(others.is_empty(), "{others}");
}

#[test]
fn huge_things_end_soon_and_in_few_words() {
    let long = "x".repeat(2_000_000);
    let many: String = (0..200_000).map(|i| format!(r#""f{i}":1,"#)).collect();
    for text in [
        rules(&format!(r#"{{"source":"{long}"}}"#)),
        rules(&format!(r#"{{"{long}":1}}"#)),
        rules(&format!(r#"{{"matches":[{{{many}"name":"tcp"}}]}}"#)),
        rules(&format!(r#"{{"matches":[{}{{"name":"tcp"}}]}}"#, r#"{"name":"ah"},"#.repeat(100_000))),
        rules(&format!(r#"{{"matches":[{{"name":"comment","comment":"{long}"}}]}}"#)),
        tables(&format!(r#"{{"name":"{long}"}}"#)),
        tables(&format!(r#"{{"name":"filter","chains":[{{"name":"{long}"}}]}}"#)),
        tables(&format!(r#"{{"name":"filter","chains":[{}]}}"#, "{},".repeat(100_000))),
    ] {
        fault(text.as_bytes());
    }
}

#[test]
fn it_is_taken_as_text_is() {
    let text = tables(
        r#"{"chains":[
            {"rules":[{"jump":"later"},{"target":{"name":"ACCEPT"},"counters":{"packets":5,"bytes":6},"rule":"-A INPUT --jump ACCEPT"}],
             "counters":{"packets":1,"bytes":18446744073709551615},"policy":"DROP","name":"INPUT"},
            {"name":"later","references":1,"rules":[{"number":1,"protocol":"tcp","matches":[{"name":"tcp","destination_port":"22"}],
             "target":{"name":"odd","words":[]}}]}],
          "name":"filter"},
         {"name":"raw","chains":[]}"#,
    );
    let whole = taken(&text, PLAIN);
    let wanted = "*filter\n:INPUT DROP [1:18446744073709551615]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
        :later - [0:0]\n[0:0] -A INPUT -j later\n[5:6] -A INPUT -j ACCEPT\n\
        [0:0] -A later -p tcp -m tcp --dport 22 -j odd\nCOMMIT\n";
    assert!(whole.contains(wanted) && whole.contains("*raw\n"), "{whole}");
    let TextKind::Restore { noflush, verbose, test, .. } = PLAIN else { unreachable!() };
    // No counters without `-c`, one table with `-T`, nothing with `--test`.
    let some = taken(
        &text,
        TextKind::Restore { counters: false, noflush, only: Some(Only::Table(TableName::Filter)), verbose, test },
    );
    assert!(some.contains(":INPUT DROP [0:0]") && some.contains("[0:0] -A INPUT -j ACCEPT"), "{some}");
    assert!(!some.contains("*raw"), "{some}");
    let none = taken(&text, TextKind::Restore { counters: true, noflush, only: None, verbose, test: true });
    assert_eq!(none, "");
    // What is there stays with `-n`, but for chains that are named.
    let mut book = Book::empty(Family::V4);
    load(text.as_bytes(), PLAIN, &mut book).unwrap();
    let more = tables(r#"{"name":"filter","chains":[{"name":"INPUT","rules":[{"goto":"later"}]},{"name":"later"}]}"#);
    let kind = TextKind::Restore { counters: true, noflush: true, only: None, verbose, test };
    load(more.as_bytes(), kind, &mut book).unwrap();
    let both = saved(&book);
    let wanted = ":later - [0:0]\n[0:0] -A INPUT -j later\n[5:6] -A INPUT -j ACCEPT\n[0:0] -A INPUT -g later\nCOMMIT\n";
    assert!(both.contains(wanted), "{both}");
}

/// JSON with something of everything.
fn sample() -> String {
    let text = "*filter\n:INPUT DROP [1:2]\n:a - [0:0]\n[3:4] -A INPUT ! -s 10.0.0.0/8 -p tcp -m tcp ! --dport 22 --syn \
        -m comment --comment \"x \\\"y\\\" \u{e4}\" -j a\n-A INPUT -m conntrack --ctstate NEW,RELATED -m policy --dir in \
        --pol ipsec --strict --reqid 1 --next --reqid 2 -j REJECT\n-A a -f -g a\nCOMMIT\n";
    let mut book = Book::empty(Family::V4);
    let cx = TextCx { program: PROGRAM, names: &NoNames, kind: PLAIN };
    // The loop at its end is for the kernel to refuse.
    let text = text.replace("-g a", "-j RETURN");
    book.restore(text.as_bytes(), cx, &mut Out::default()).1.unwrap();
    let mut out = Out::default();
    let tables: Vec<_> = book.ruleset.tables.iter().collect();
    json(&tables, JsonOf { family: Family::V4, chain: None, rule: None, listing: false }, &mut out, &mut |_| {});
    out.text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Bytes changed, cut out, said twice: no panic, and what is taken prints as JSON that is taken.
    #[test]
    fn broken_json_is_refused_or_means_something(
        edits in proptest::collection::vec((any::<Index>(), 0..4u8, any::<u8>(), 1..9usize), 1..4),
    ) {
        let mut bytes = sample().into_bytes();
        for (at, how, byte, len) in edits {
            let at = at.index(bytes.len());
            let end = (at + len).min(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.drain(at..end)),
                2 => { let piece = bytes[at..end].to_vec(); bytes.splice(at..at, piece); }
                _ => bytes[at] = b"{}[]\",:0t"[usize::from(byte) % 9],
            }
            if bytes.is_empty() {
                break;
            }
        }
        let mut book = Book::empty(Family::V4);
        match load(&bytes, PLAIN, &mut book) {
            Err((text, status)) => prop_assert!([1, 2, 4].contains(&status) && text.lines().count() <= 2, "{text}"),
            Ok(_) => {
                let mut out = Out::default();
                let tables: Vec<_> = book.ruleset.tables.iter().collect();
                json(&tables, JsonOf { family: Family::V4, chain: None, rule: None, listing: true }, &mut out, &mut |_| {});
                let mut again = Book::empty(Family::V4);
                prop_assert!(load(out.text.as_bytes(), PLAIN, &mut again).is_ok());
                prop_assert_eq!(saved(&book), saved(&again));
            }
        }
    }
}

proptest! {
    /// Any bytes in a comment: kept by text, by JSON, and by text again.
    #[test]
    fn any_bytes_go_through(bytes in proptest::collection::vec(
        any::<u8>().prop_filter("ends a line, or is no text", |b| !matches!(b, 0 | b'\n')), 0..64,
    )) {
        let mut text = b"*filter\n-A INPUT -m comment --comment \"".to_vec();
        for &b in &bytes {
            text.extend(if matches!(b, b'"' | b'\\') { vec![b'\\', b] } else { vec![b] });
        }
        text.extend(b"\" -j LOG --log-prefix \"\xe4\"\nCOMMIT\n");
        let mut book = Book::empty(Family::V4);
        let cx = TextCx { program: PROGRAM, names: &NoNames, kind: PLAIN };
        book.restore(&text, cx, &mut Out::default()).1.unwrap();
        let whole = saved(&book);
        let printed = bytes_of(&whole);
        let quoted: Vec<u8> = bytes.iter().flat_map(|&b| if matches!(b, b'"' | b'\\' | b'\'') { vec![b'\\', b] } else { vec![b] }).collect();
        prop_assert!(printed.windows(quoted.len() + 1).any(|w| w.starts_with(&quoted)));
        let mut out = Out::default();
        let tables: Vec<_> = book.ruleset.tables.iter().collect();
        json(&tables, JsonOf { family: Family::V4, chain: None, rule: None, listing: false }, &mut out, &mut |_| {});
        prop_assert!(!out.text.contains(|c| ox_rules::bytes::odd_byte(c).is_some()));
        let mut again = Book::empty(Family::V4);
        prop_assert_eq!(load(out.text.as_bytes(), PLAIN, &mut again).map_err(|e| e.0), Ok(vec![TableName::Filter]));
        prop_assert_eq!(saved(&again), whole);
    }
}
