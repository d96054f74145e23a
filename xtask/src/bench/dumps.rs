//! Dumps made by code, the same at every run: flat ones as a firewall has them, and a Kubernetes node's.
//!
//! They are written piece by piece: what this program holds at its worst would count as memory of the commands it starts.

use std::io::{Result, Write};

/// A dump of `rules` rules in INPUT: ports, addresses, connection states, comments, limits.
pub fn flat(rules: u32, out: &mut dyn Write) -> Result<()> {
    out.write_all(b"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n")?;
    for n in 0..rules {
        let [_, b, c, d] = n.to_be_bytes();
        let port = 1024 + n % 60_000;
        match n % 8 {
            0 | 5 => writeln!(out, "-A INPUT -s 10.{b}.{c}.{d}/32 -p tcp -m tcp --dport {port} -j ACCEPT"),
            1 => writeln!(out, "-A INPUT -s 172.{}.{c}.0/24 -p udp -m udp --sport 53 --dport {port} -j ACCEPT", 16 + b),
            2 => writeln!(
                out,
                "-A INPUT -d 192.168.{c}.{d}/32 -p tcp -m conntrack --ctstate NEW -m tcp --dport {port} -j ACCEPT"
            ),
            3 => writeln!(out, "-A INPUT -s 10.{b}.{c}.{d}/32 -m comment --comment \"host number {n}\" -j DROP"),
            4 => writeln!(out, "-A INPUT -i eth{} -p tcp -m multiport --dports 80,443,{port} -j ACCEPT", n % 10),
            6 => writeln!(
                out,
                "-A INPUT -s 10.{b}.{c}.{d}/32 -p udp -m limit --limit {}/sec --limit-burst 20 -j ACCEPT",
                1 + n % 9
            ),
            _ => writeln!(
                out,
                "-A INPUT -s 10.{b}.{c}.0/24 -d 10.{d}.0.0/16 -p tcp -m tcp --dport {port}:{} -j REJECT --reject-with icmp-port-unreachable",
                port + 9
            ),
        }?;
    }
    out.write_all(b"COMMIT\n")
}

/// What kube-proxy in iptables mode writes for as many Services: each has so many endpoints, every fifth a node port.
pub fn kube(count: u32, endpoints: u32, out: &mut dyn Write) -> Result<()> {
    let words = |service: u32| format!("team-{}/service-{service}:http", service % 40);
    let ends = |service: u32| (0..endpoints).map(move |end| (end, name("SEP", service * endpoints + end)));
    out.write_all(
        b"*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n\
          :KUBE-MARK-MASQ - [0:0]\n:KUBE-NODEPORTS - [0:0]\n:KUBE-POSTROUTING - [0:0]\n:KUBE-SERVICES - [0:0]\n",
    )?;
    for service in 0..count {
        writeln!(out, ":{} - [0:0]", name("SVC", service))?;
        for (_, sep) in ends(service) {
            writeln!(out, ":{sep} - [0:0]")?;
        }
        if service % 5 == 0 {
            writeln!(out, ":{} - [0:0]", name("EXT", service))?;
        }
    }
    out.write_all(
        b"-A PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES\n\
          -A OUTPUT -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES\n\
          -A POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING\n\
          -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\n",
    )?;
    for service in (0..count).step_by(5) {
        let (words, ext, port) = (words(service), name("EXT", service), 30_000 + service / 5);
        writeln!(out, "-A KUBE-NODEPORTS -p tcp -m comment --comment \"{words}\" -m tcp --dport {port} -j {ext}")?;
    }
    out.write_all(
        b"-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN\n\
          -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0\n\
          -A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE --random-fully\n",
    )?;
    for service in 0..count {
        let [_, _, c, d] = service.to_be_bytes();
        let (words, svc) = (words(service), name("SVC", service));
        writeln!(
            out,
            "-A KUBE-SERVICES -d 10.96.{c}.{d}/32 -p tcp -m comment --comment \"{words} cluster IP\" -m tcp --dport 80 -j {svc}"
        )?;
    }
    out.write_all(
        b"-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this chain\" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS\n",
    )?;
    for service in 0..count {
        let [_, _, c, d] = service.to_be_bytes();
        let (words, svc) = (words(service), name("SVC", service));
        writeln!(
            out,
            "-A {svc} ! -s 10.244.0.0/16 -d 10.96.{c}.{d}/32 -p tcp -m comment --comment \"{words} cluster IP\" -m tcp --dport 80 -j KUBE-MARK-MASQ"
        )?;
        for (end, sep) in ends(service) {
            let address = format!("10.244.{}.{}", 1 + end, 1 + service % 250);
            let chance = match endpoints - end {
                1 => String::new(),
                left => format!(" -m statistic --mode random --probability {:.11}", 1.0 / f64::from(left)),
            };
            writeln!(out, "-A {svc} -m comment --comment \"{words} -> {address}:8080\"{chance} -j {sep}")?;
            writeln!(out, "-A {sep} -s {address}/32 -m comment --comment \"{words}\" -j KUBE-MARK-MASQ")?;
            writeln!(
                out,
                "-A {sep} -p tcp -m comment --comment \"{words}\" -m tcp -j DNAT --to-destination {address}:8080"
            )?;
        }
        if service % 5 == 0 {
            let ext = name("EXT", service);
            writeln!(
                out,
                "-A {ext} -m comment --comment \"masquerade traffic for {words} external destinations\" -j KUBE-MARK-MASQ\n-A {ext} -j {svc}"
            )?;
        }
    }
    out.write_all(b"COMMIT\n")
}

/// A chain's name as kube-proxy makes them: sixteen letters that look like chance.
fn name(kind: &str, number: u32) -> String {
    let mut state = u64::from(number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let letters = (0..16).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(state >> 59) as usize])
    });
    format!("KUBE-{kind}-{}", letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dumps_have_the_size_asked_for_and_repeat() {
        let text = |write: &dyn Fn(&mut dyn Write) -> Result<()>| {
            let mut text = Vec::new();
            write(&mut text).unwrap();
            String::from_utf8(text).unwrap()
        };
        let rules = |text: &str| text.lines().filter(|l| l.starts_with("-A ")).count();
        assert_eq!(rules(&text(&|out| flat(1000, out))), 1000);
        // Eight for each Service, three for each node port, eight of the node's own.
        assert_eq!(rules(&text(&|out| kube(10, 2, out))), 10 * 8 + 2 * 3 + 8);
        assert_eq!(text(&|out| kube(50, 5, out)), text(&|out| kube(50, 5, out)));
    }
}
