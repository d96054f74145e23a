//! Dumps made by code, the same at every run: flat ones as a firewall has them, and a Kubernetes node's.

use std::fmt::Write as _;

/// A dump of `rules` rules in INPUT: ports, addresses, connection states, comments, limits.
pub fn flat(rules: u32) -> String {
    let mut text = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n".to_owned();
    for n in 0..rules {
        let [_, b, c, d] = n.to_be_bytes();
        let port = 1024 + n % 60_000;
        let _ = match n % 8 {
            0 | 5 => writeln!(text, "-A INPUT -s 10.{b}.{c}.{d}/32 -p tcp -m tcp --dport {port} -j ACCEPT"),
            1 => {
                writeln!(text, "-A INPUT -s 172.{}.{c}.0/24 -p udp -m udp --sport 53 --dport {port} -j ACCEPT", 16 + b)
            }
            2 => writeln!(
                text,
                "-A INPUT -d 192.168.{c}.{d}/32 -p tcp -m conntrack --ctstate NEW -m tcp --dport {port} -j ACCEPT"
            ),
            3 => writeln!(text, "-A INPUT -s 10.{b}.{c}.{d}/32 -m comment --comment \"host number {n}\" -j DROP"),
            4 => writeln!(text, "-A INPUT -i eth{} -p tcp -m multiport --dports 80,443,{port} -j ACCEPT", n % 10),
            6 => writeln!(
                text,
                "-A INPUT -s 10.{b}.{c}.{d}/32 -p udp -m limit --limit {}/sec --limit-burst 20 -j ACCEPT",
                1 + n % 9
            ),
            _ => writeln!(
                text,
                "-A INPUT -s 10.{b}.{c}.0/24 -d 10.{d}.0.0/16 -p tcp -m tcp --dport {port}:{} -j REJECT --reject-with icmp-port-unreachable",
                port + 9
            ),
        };
    }
    text + "COMMIT\n"
}

/// What kube-proxy in iptables mode writes for as many Services: each has so many endpoints, every fifth a node port.
pub fn kube(count: u32, endpoints: u32) -> String {
    let (mut names, mut services, mut ports, mut bodies) = (String::new(), String::new(), String::new(), String::new());
    for service in 0..count {
        let [_, _, c, d] = service.to_be_bytes();
        let (svc, ext, words) =
            (name("SVC", service), name("EXT", service), format!("team-{}/service-{service}:http", service % 40));
        let _ = writeln!(names, ":{svc} - [0:0]");
        let _ = writeln!(
            services,
            "-A KUBE-SERVICES -d 10.96.{c}.{d}/32 -p tcp -m comment --comment \"{words} cluster IP\" -m tcp --dport 80 -j {svc}"
        );
        let _ = writeln!(
            bodies,
            "-A {svc} ! -s 10.244.0.0/16 -d 10.96.{c}.{d}/32 -p tcp -m comment --comment \"{words} cluster IP\" -m tcp --dport 80 -j KUBE-MARK-MASQ"
        );
        for end in 0..endpoints {
            let (sep, address) =
                (name("SEP", service * endpoints + end), format!("10.244.{}.{}", 1 + end, 1 + service % 250));
            let _ = writeln!(names, ":{sep} - [0:0]");
            let chance = match endpoints - end {
                1 => String::new(),
                left => format!(" -m statistic --mode random --probability {:.11}", 1.0 / f64::from(left)),
            };
            let _ = writeln!(bodies, "-A {svc} -m comment --comment \"{words} -> {address}:8080\"{chance} -j {sep}");
            let _ = writeln!(bodies, "-A {sep} -s {address}/32 -m comment --comment \"{words}\" -j KUBE-MARK-MASQ");
            let _ = writeln!(
                bodies,
                "-A {sep} -p tcp -m comment --comment \"{words}\" -m tcp -j DNAT --to-destination {address}:8080"
            );
        }
        if service % 5 == 0 {
            let _ = writeln!(names, ":{ext} - [0:0]");
            let _ = writeln!(
                ports,
                "-A KUBE-NODEPORTS -p tcp -m comment --comment \"{words}\" -m tcp --dport {} -j {ext}",
                30_000 + service / 5
            );
            let _ = writeln!(
                bodies,
                "-A {ext} -m comment --comment \"masquerade traffic for {words} external destinations\" -j KUBE-MARK-MASQ\n-A {ext} -j {svc}"
            );
        }
    }
    format!(
        "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n\
         :KUBE-MARK-MASQ - [0:0]\n:KUBE-NODEPORTS - [0:0]\n:KUBE-POSTROUTING - [0:0]\n:KUBE-SERVICES - [0:0]\n{names}\
         -A PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES\n\
         -A OUTPUT -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES\n\
         -A POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING\n\
         -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\n{ports}\
         -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN\n\
         -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0\n\
         -A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE --random-fully\n\
         {services}-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this chain\" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS\n\
         {bodies}COMMIT\n"
    )
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
        let rules = |text: &str| text.lines().filter(|l| l.starts_with("-A ")).count();
        assert_eq!(rules(&flat(1000)), 1000);
        // Eight for each Service, three for each node port, eight of the node's own.
        assert_eq!(rules(&kube(10, 2)), 10 * 8 + 2 * 3 + 8);
        assert_eq!(kube(50, 5), kube(50, 5));
    }
}
