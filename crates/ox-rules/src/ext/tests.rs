//! Every extension: what is typed, and what comes back.

use crate::ir::Dialect;
use crate::model::TableName;
use crate::syntax::{Fault, NoNames, Out, RuleCx, Strangers, read_rule, save_rule, split_words};
use ox_packet::Family;

fn cx(family: Family) -> RuleCx<'static> {
    RuleCx { family, dialect: Dialect::Nft, table: TableName::Filter, names: &NoNames, strangers: Strangers::Refuse }
}

fn canon(line: &str) -> Result<String, Fault> {
    let mut words = Vec::new();
    split_words(line, &mut words).expect("quotes are closed");
    let words: Vec<&str> = words.iter().map(|w| &*w.text).collect();
    let read = read_rule(&words, &cx(Family::V4))?;
    let mut out = Out::default();
    save_rule(&read.rule, Family::V4, false, &mut out);
    Ok(out.text)
}

#[test]
fn canonical_text() {
    for (typed, printed) in [
        ("-p tcp --dport 80 -j ACCEPT", "-p tcp -m tcp --dport 80 -j ACCEPT"),
        ("-p tcp -j ACCEPT", "-p tcp -j ACCEPT"),
        ("-s 10.1.2.3/8 ! -i eth+ -j DROP", "-s 10.0.0.0/8 ! -i eth+ -j DROP"),
        (
            "-p 6 --sport 1:2 ! --dport 80 --tcp-flags SYN,ACK SYN",
            "-p tcp -m tcp --sport 1:2 ! --dport 80 --tcp-flags SYN,ACK SYN",
        ),
        ("-p tcp --syn", "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN"),
        ("-p tcp -m multiport ! --dports 80,100:200", "-p tcp -m multiport ! --dports 80,100:200"),
        ("-m statistic --mode random ! --prob 0.33", "-m statistic --mode random ! --probability 0.33000000007"),
        ("-j MARK --set-mark 1", "-j MARK --set-xmark 0x1/0xffffffff"),
        ("-j REJECT", "-j REJECT --reject-with icmp-port-unreachable"),
        ("-m comment --comment \"it's a \\\"x\\\"\"", "-m comment --comment \"it\\'s a \\\"x\\\"\""),
        ("-g there", "-g there"),
    ] {
        assert_eq!(canon(typed).as_deref(), Ok(printed), "{typed}");
        assert_eq!(canon(printed).as_deref(), Ok(printed), "again: {printed}");
    }
}

#[test]
fn refusals_point_at_the_word() {
    for (typed, word, says) in [
        ("-p tcp --dport 70000", 3, "70000"),
        ("-p tcp --dprt 80", 2, "--dport"),
        ("--dport 80", 0, "-m tcp"),
        ("-m multiport --dports 80", 2, "-p tcp"),
        ("-m nosuch", 1, "Couldn't load match `nosuch'"),
        ("-m statistic --mode nth --every 3", 1, "--packet"),
        ("-p tcp --s 1", 2, "it may stand for"),
        ("-j REJECT --reject-with nonsense", 3, "icmp-port-unreachable"),
    ] {
        let fault = canon(typed).expect_err(typed);
        assert_eq!(fault.word, Some(word), "{typed}: {fault}");
        assert!(fault.message.contains(says), "{typed}: {fault}");
    }
}

/// Reads a rule of a table.
pub(super) fn read(family: Family, table: TableName, line: &str) -> Result<crate::model::Rule, Fault> {
    let mut words = Vec::new();
    split_words(line, &mut words).expect("quotes are closed");
    let words: Vec<&str> = words.iter().map(|w| &*w.text).collect();
    read_rule(&words, &RuleCx { table, ..cx(family) }).map(|read| read.rule)
}

/// What is typed comes back as `printed`, which reads as itself, and `-L -n` shows `listed` for matches and target.
#[track_caller]
pub(super) fn check(family: Family, table: TableName, typed: &str, printed: &str, listed: &str) {
    for line in [typed, printed] {
        let rule = read(family, table, line).unwrap_or_else(|fault| panic!("{line}: {fault}"));
        let mut out = Out::default();
        save_rule(&rule, family, false, &mut out);
        assert_eq!(out.text, printed, "{line}");
        let mut out = Out::default();
        let show = crate::syntax::Show { numeric: true, names: &NoNames, family, proto: rule.head.proto.is.0 };
        for m in &rule.matches {
            m.list(&mut out, &show);
        }
        rule.target.list(&mut out, &show);
        assert_eq!(out.text, listed, "{line}");
    }
}

/// The parser takes no such rule.
#[track_caller]
pub(super) fn refused(family: Family, table: TableName, line: &str) {
    assert!(read(family, table, line).is_err(), "taken: {line}");
}
