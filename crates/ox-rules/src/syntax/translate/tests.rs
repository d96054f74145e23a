//! Rules and what they are to nft.

use super::{Culprit, culprit_word, translate_command, translate_text};
use crate::ir::Dialect;
use crate::model::TableName;
use crate::syntax::rule::{RuleCx, Strangers};
use crate::syntax::{Aside, NoNames, Setting, read_command, split_words};
use ox_packet::Family::{self, V4, V6};

type Said = Result<Vec<String>, (String, Option<String>)>;

/// What a command line becomes, or why it becomes nothing, and the word that is the reason.
fn say(family: Family, line: &str, aside: &mut Aside) -> Said {
    let mut split = Vec::new();
    split_words(line, &mut split).unwrap();
    let words: Vec<&str> = split.iter().map(|w| &*w.text).collect();
    let cx = RuleCx {
        family,
        dialect: Dialect::Legacy,
        table: TableName::Filter,
        names: &NoNames,
        strangers: Strangers::Refuse,
    };
    let mut command = read_command(&words, &cx, Setting::Line).unwrap_or_else(|t| panic!("{line}: {t:?}"));
    translate_command(&mut command, family, aside).map(|lines| lines.into_iter().map(|l| l.text).collect()).map_err(
        |(missing, rule)| (missing.why, culprit_word(&words, &rule, missing.part).map(|w| words[w].to_owned())),
    )
}

/// `-A INPUT RULE` becomes a rule of which this is the part behind the chain.
fn becomes(family: Family, rule: &str, wanted: &str) {
    let ip = if family == V4 { "ip" } else { "ip6" };
    let said = say(family, &format!("-A INPUT {rule}"), &mut Aside::default());
    assert_eq!(said, Ok(vec![format!("add rule {ip} filter INPUT {wanted}")]), "{rule}");
}

#[test]
fn heads() {
    for (rule, wanted) in [
        ("", "counter"),
        ("-i eth+ -j DROP", "iifname \"eth*\" counter drop"),
        ("-i eth* -j DROP", "iifname \"eth\\*\" counter drop"),
        ("! -i + -j ACCEPT", "iifname \"INVAL/D\" counter accept"),
        ("! -f -p 47 -j RETURN", "ip frag-off & 0x1fff 0 ip protocol 47 counter return"),
        ("-s 10.1.2.3/8 ! -d 1.2.3.4/255.0.255.0", "ip saddr 10.0.0.0/8 ip daddr & 255.0.255.0 != 1.0.3.0 counter"),
        ("-j QUEUE", "counter queue num 0"),
        ("-g later", "counter goto later"),
    ] {
        becomes(V4, rule, wanted);
    }
    becomes(V6, "! -p ipv6-icmp -s fe80::/10", "meta l4proto != ipv6-icmp ip6 saddr fe80::/10 counter");
    becomes(V6, "-p ipv6-mh", "meta l4proto 135 counter");
}

/// The match of a protocol's own name says the protocol, if it says anything.
#[test]
fn protocols_are_said_once_and_never_lost() {
    for (rule, wanted) in [
        ("-p tcp --dport 80", "tcp dport 80 counter"),
        ("-p tcp -m tcp", "ip protocol tcp counter"),
        ("-p tcp -m tcp -m tcp --sport 1:2", "tcp sport 1-2 counter"),
        ("-p udp -m udp ! --sport 53", "udp sport != 53 counter"),
        ("-p icmp --icmp-type any", "ip protocol icmp counter"),
        ("-p tcp -m multiport --dports 1,2:3", "ip protocol tcp tcp dport { 1, 2-3 } counter"),
        ("-p tcp ! --tcp-flags NONE NONE", "tcp flags != 0x0 / 0x0 counter"),
        ("-p tcp --tcp-flags SYN SYN", "tcp flags & syn == syn counter"),
    ] {
        becomes(V4, rule, wanted);
    }
}

/// Where the stock translation means something else to nft.
#[test]
fn meaning() {
    for (rule, wanted) in [
        ("-m conntrack --ctorigsrc 10.0.0.1/8", "ct original ip saddr 10.0.0.0/8 counter"),
        ("-m conntrack --ctexpire 10:20", "ct expiration 10s-20s999ms counter"),
        ("-j CONNMARK --set-xmark 1/3", "counter ct mark set ct mark and 0xfffffffc xor 0x1"),
        ("-j CONNMARK --set-mark 1 --left-shift-mark 2", "counter ct mark set 0x4"),
        ("-p tcp -m ecn ! --ecn-tcp-cwr --ecn-tcp-ece", "ip protocol tcp tcp flags ecn tcp flags & cwr == 0x0 counter"),
        ("-m time --timestart 22:00 --timestop 06:00", "meta hour != 21601-79199 counter"),
        (
            "-m addrtype ! --src-type LOCAL --dst-type BROADCAST,MULTICAST",
            "fib saddr type != local fib daddr type { broadcast, multicast } counter",
        ),
        (
            "-p udp -m multiport --ports 5:9,9:12",
            "ip protocol udp udp sport . udp dport { 5-12 . 0-65535, 0-4 . 5-12, 13-65535 . 5-12 } counter",
        ),
        ("-m statistic --mode nth --every 3 --packet 1", "numgen inc mod 3 1 counter"),
    ] {
        becomes(V4, rule, wanted);
    }
    for (rule, wanted) in [
        ("-m ah --ahlen 12 --ahres", "ah hdrlength 1 ah reserved 0 counter"),
        ("-m frag", "exthdr frag exists counter"),
        ("-m rt ! --rt-len 24", "rt hdrlength != 2 counter"),
    ] {
        becomes(V6, rule, wanted);
    }
}

#[test]
fn what_has_no_nft_form_is_named() {
    for (line, why, word) in [
        ("-A INPUT -m mark --mark 1 -m recent --name a --set -j DROP", "-m recent", Some("recent")),
        ("-A INPUT -p tcp --sport 1 -m helper ! --helper ftp", "without a helper", Some("helper")),
        ("-A INPUT -j LOG --log-prefix \"a\\\"b\"", "quote", Some("LOG")),
        ("-A INPUT ! -p tcp -m tcp --dport 80", "-p does not say so", Some("tcp")),
        ("-A INPUT -m conntrack --ctstate NEW,SNAT", "no states", Some("conntrack")),
        ("-A INPUT -j CONNMARK --restore-mark --mask 0xff", "keep bits", Some("CONNMARK")),
        ("-A 1st -j DROP", "cannot write the name", None),
        ("-A INPUT -j reject", "for itself", Some("reject")),
        ("-N log", "for itself", None),
        ("-D INPUT 1", "handle", None),
        ("-X", "every chain", None),
        ("-P INPUT DROP", "-P", None),
    ] {
        let Err((said, at)) = say(V4, line, &mut Aside::default()) else { panic!("{line} was translated") };
        assert!(said.contains(why), "{line}: {said}");
        assert_eq!(at.as_deref(), word, "{line}");
    }
}

/// The word is found in all ways of writing it.
#[test]
fn the_word_at_fault() {
    for line in ["-A INPUT -mu32 --u32 0=1", "-A INPUT --match u32 --u32 0=1", "-A INPUT --match=u32 --u32 0=1"] {
        let (_, word) = say(V4, line, &mut Aside::default()).unwrap_err();
        assert!(word.is_some_and(|w| w.ends_with("u32")), "{line}");
    }
    let words = ["-A", "INPUT", "-m", "comment", "--comment", "u32", "-m", "u32"];
    let rule = crate::model::Rule {
        matches: vec![crate::ext::new_match("comment", V4).unwrap(), crate::ext::new_match("u32", V4).unwrap()].into(),
        ..Default::default()
    };
    assert_eq!(culprit_word(&words, &rule, Culprit::Match(1)), Some(7));
}

#[test]
fn commands() {
    for (line, wanted) in [
        ("-I INPUT -j ACCEPT", "insert rule ip filter INPUT counter accept"),
        ("-I INPUT 1 -j ACCEPT", "insert rule ip filter INPUT counter accept"),
        ("-I INPUT 3 -j ACCEPT", "insert rule ip filter INPUT index 2 counter accept"),
        ("-t nat -N a", "add chain ip nat a"),
        ("-X a", "delete chain ip filter a"),
        ("-F", "flush table ip filter"),
        ("-F a", "flush chain ip filter a"),
        ("-L -n", "list table ip filter"),
    ] {
        assert_eq!(say(V4, line, &mut Aside::default()), Ok(vec![wanted.to_owned()]), "{line}");
    }
}

#[test]
fn what_a_rule_needs_comes_before_it() {
    let mut aside = Aside::default();
    let line = "-A INPUT -s ::1,::2 -m connlimit --connlimit-above 3 --connlimit-mask 64";
    let said = say(V6, line, &mut aside).unwrap();
    assert_eq!(said[0], "add set ip6 filter connlimit0 { type ipv6_addr; flags dynamic; }");
    assert!(said[1].ends_with("add @connlimit0 { ip6 saddr and ffff:ffff:ffff:ffff:: ct count over 3 } counter"));
    assert!(said[2].contains("connlimit1") && said[3].contains("@connlimit1"));
    assert_eq!(aside.sets, 2);
}

#[test]
fn comments_are_changed_rather_than_lost() {
    let mut aside = Aside::default();
    let said = say(V4, &format!("-A INPUT -m comment --comment \"{}\\\"\"", "é".repeat(70)), &mut aside).unwrap();
    assert!(said[0].ends_with(&format!("comment \"{}\"", "é".repeat(64))), "{said:?}");
    assert_eq!(aside.notes.len(), 1);
    say(V4, "-A INPUT -m comment --comment \"a \\\"b\\\"\"", &mut aside).unwrap();
    assert_eq!(aside.notes.len(), 2);
}

#[test]
fn texts() {
    let text = "# talk\n*mangle\n:OUTPUT DROP [1:2]\n:PREROUTING - [0:0]\n:a ACCEPT [0:0]\n[3:4] -A a -j MARK --set-mark 1\n\
                -A a -m u32 --u32 0=1\n-6 -A a -j DROP\nCOMMIT\n";
    let (done, result) = translate_text(text.as_bytes(), V4, &NoNames);
    assert_eq!(result, Ok(()));
    let wanted = "add table ip mangle\n\
                  add chain ip mangle OUTPUT { type route hook output priority -150; policy drop; }\n\
                  add chain ip mangle PREROUTING { type filter hook prerouting priority -150; }\n\
                  add chain ip mangle a\n\
                  add rule ip mangle a counter meta mark set 0x1\n\
                  # -t mangle -A a -m u32 --u32 0=1\n";
    assert_eq!(done.text, wanted);
    assert_eq!(done.missing.len(), 1);
    assert_eq!((done.missing[0].line, done.missing[0].span), (7, Some((8, 3))));
}

/// What stands before a fault is said all the same.
#[test]
fn faults_in_texts() {
    for (text, line, before) in [
        ("*filter\n-A INPUT\n-A INPUT --nosuch\n", 3, 2),
        ("*filter\n-A INPUT\n", 3, 2),
        ("-A INPUT\n", 1, 0),
        ("*nosuch\n", 1, 0),
        ("*filter\n:INPUT MAYBE\n", 2, 1),
        ("*filter\n*nat\n", 2, 1),
        ("COMMIT\n", 1, 0),
        ("*filter\n-A INPUT \"\n", 2, 1),
    ] {
        let (done, result) = translate_text(text.as_bytes(), V4, &NoNames);
        assert_eq!(result.map_err(|f| f.line), Err(line), "{text}");
        assert_eq!(done.text.lines().count(), before, "{text}");
    }
}
