//! The packet that is asked about: in iptables' own flags, in the short form, or out of a capture.

use clap::Args;
use ox_packet::{Build, Family, L4, icmp, icmp6, ip_number, pkttype, proto, tcp};
use ox_rules::ir::{Link, Owner, Packet};
use ox_rules::syntax::Names;
use std::net::IpAddr;
use std::path::PathBuf;

/// A packet, as options and words.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The packet")]
pub struct PacketArgs {
    /// The short form: tcp 192.0.2.7:40000 -> 10.96.0.10:53 in eth0
    #[arg(value_name = "PACKET", allow_hyphen_values = true)]
    pub words: Vec<String>,
    /// Interface it comes in by; without it, this host sends the packet
    #[arg(short = 'i', long, value_name = "IFACE")]
    pub in_interface: Option<String>,
    /// Interface it leaves by, where the routes do not say
    #[arg(short = 'o', long, value_name = "IFACE")]
    pub out_interface: Option<String>,
    /// tcp, udp, icmp, ipv6-icmp, sctp, …, or a number
    #[arg(short = 'p', long, value_name = "PROTO")]
    pub protocol: Option<String>,
    /// Source address
    #[arg(short = 's', long, alias = "src", value_name = "ADDR")]
    pub source: Option<IpAddr>,
    /// Destination address
    #[arg(short = 'd', long, alias = "dst", value_name = "ADDR")]
    pub destination: Option<IpAddr>,
    /// Source port (a program's usual 40000 if not said)
    #[arg(long, alias = "source-port", value_name = "PORT")]
    pub sport: Option<String>,
    /// Destination port
    #[arg(long, alias = "destination-port", value_name = "PORT")]
    pub dport: Option<String>,
    /// TCP: the first packet of a connection (the default)
    #[arg(long)]
    pub syn: bool,
    /// TCP: the flags that are set, as in SYN,ACK; NONE for none
    #[arg(long, value_name = "FLAGS")]
    pub tcp_flags: Option<String>,
    /// ICMP type by name or number, as in 3/1
    #[arg(long, value_name = "TYPE")]
    pub icmp_type: Option<String>,
    /// ICMPv6 type by name or number
    #[arg(long, value_name = "TYPE")]
    pub icmpv6_type: Option<String>,
    /// Mark it already has
    #[arg(long, value_name = "MARK")]
    pub mark: Option<String>,
    /// Length of the whole packet in bytes
    #[arg(long, value_name = "BYTES")]
    pub length: Option<u16>,
    /// Time to live, or hop limit
    #[arg(long, visible_alias = "hl", alias = "hop-limit", value_name = "N")]
    pub ttl: Option<u8>,
    /// Type of service, or traffic class
    #[arg(long, value_name = "TOS")]
    pub tos: Option<String>,
    /// User that sends it
    #[arg(long, value_name = "USER")]
    pub uid: Option<String>,
    /// Group that sends it
    #[arg(long, value_name = "GROUP")]
    pub gid: Option<String>,
    /// Hardware address it comes from
    #[arg(long, value_name = "MAC")]
    pub mac_source: Option<String>,
    /// unicast, broadcast or multicast
    #[arg(long, value_name = "TYPE")]
    pub pkttype: Option<String>,
    /// Assumed state: NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED
    #[arg(long, value_name = "STATE", alias = "state")]
    pub ctstate: Option<String>,
    /// Text it carries
    #[arg(long, value_name = "TEXT")]
    pub payload: Option<String>,
    /// A packet of a capture, the first or the Nth
    #[arg(long, value_name = "FILE[:N]")]
    pub pcap: Option<String>,
}

/// What is wrong with a packet's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(pub String);

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn wrong<T>(text: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong(text.into()))
}

/// A state that is taken for granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Opens a connection: what a first packet does by itself.
    New,
    /// Its connection has been answered.
    Established,
    /// Somebody expected its connection.
    Related,
    /// It belongs to none.
    Invalid,
    /// A rule said not to track it.
    Untracked,
}

/// A packet as far as it was described.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Family.
    pub family: Family,
    /// Interface it comes in by; `None`: this host sends it.
    pub iif: Option<String>,
    /// Interface it leaves by, if that was said.
    pub oif: Option<String>,
    /// Source; `None`: not said.
    pub src: Option<u128>,
    /// Destination.
    pub dst: u128,
    /// Assumed state.
    pub state: Option<State>,
    /// Who sends it.
    pub owner: Option<Owner>,
    /// What was filled in because it was not said.
    pub assumed: Vec<String>,
    form: Form,
    mark: u32,
    link: Option<Link>,
    pkttype: Option<u8>,
}

#[derive(Clone, Debug)]
enum Form {
    Build(Box<Build>, Option<u16>),
    Bytes(Vec<u8>),
}

impl PacketArgs {
    /// Reads the description. `family` is what the rules are for, for packets that could be of both.
    pub fn read(&self, family: Option<Family>, names: &dyn Names) -> Result<Wanted, Wrong> {
        let mut args = self.clone();
        if !self.words.is_empty() {
            args.short(names)?;
        }
        if let Some(place) = &args.pcap {
            return args.capture(place, names);
        }
        args.build(family, names)
    }

    /// The short form, put into the long one's places.
    fn short(&mut self, names: &dyn Names) -> Result<(), Wrong> {
        let words = std::mem::take(&mut self.words);
        let arrow = words.iter().position(|w| w == "->" || w == ">");
        let Some(arrow) = arrow else {
            let odd = words.first().map_or("", String::as_str);
            if odd.starts_with('-') {
                return wrong(format!("`{odd}' is no option of a packet; --help lists them"));
            }
            return wrong(format!(
                "`{}' is no packet: the short form is PROTOCOL SOURCE -> DESTINATION [in IFACE], as in \
                 `tcp 192.0.2.7:40000 -> 10.96.0.10:53 in eth0' (quote it, or the shell takes the > for itself)",
                words.join(" ")
            ));
        };
        let (before, after) = (&words[..arrow], &words[arrow + 1..]);
        let source = match before {
            [source] => source,
            [protocol, source] => {
                self.protocol = Some(protocol.clone());
                source
            }
            [] => return wrong("`->' has nothing before it: the source is missing"),
            [_, _, odd, ..] => return wrong(format!("`{odd}' is one word too many before the `->'")),
        };
        let (addr, port) = place(source, names)?;
        (self.source, self.sport) = (addr, port.or(self.sport.take()));
        let mut after = after.iter();
        let Some(destination) = after.next() else {
            return wrong("`->' has nothing behind it: the destination is missing");
        };
        let (addr, port) = place(destination, names)?;
        (self.destination, self.dport) = (addr, port.or(self.dport.take()));
        while let Some(word) = after.next() {
            let mut value = || match after.next() {
                Some(v) => Ok(Some(v.clone())),
                None => wrong(format!("`{word}' needs the name of an interface behind it")),
            };
            match word.as_str() {
                "in" => self.in_interface = value()?,
                "out" => self.out_interface = value()?,
                "syn" | "SYN" | "[S]" => self.syn = true,
                flags if flags.starts_with('[') => {
                    self.tcp_flags = Some(flags.trim_matches(['[', ']']).to_owned());
                }
                odd => {
                    return wrong(format!(
                        "`{odd}' is not understood behind the destination: `in IFACE' or `out IFACE'"
                    ));
                }
            }
        }
        Ok(())
    }

    fn common(&self, names: &dyn Names) -> Result<Wanted, Wrong> {
        let state = match self.ctstate.as_deref().map(str::to_ascii_uppercase).as_deref() {
            None => None,
            Some("NEW") => Some(State::New),
            Some("ESTABLISHED") => Some(State::Established),
            Some("RELATED") => Some(State::Related),
            Some("INVALID") => Some(State::Invalid),
            Some("UNTRACKED") => Some(State::Untracked),
            Some(odd) => {
                return wrong(format!("--ctstate {odd}: one of NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED"));
            }
        };
        let id = |text: &str, what: &str, of: Option<u32>| match text.parse().ok().or(of) {
            Some(id) => Ok(id),
            None => wrong(format!("--{what} {text}: neither a number nor a name that this system knows")),
        };
        let uid = self.uid.as_deref().map(|u| id(u, "uid", names.user(u))).transpose()?;
        let gid = self.gid.as_deref().map(|g| id(g, "gid", names.group(g))).transpose()?;
        let owner = (uid.is_some() || gid.is_some()).then(|| Owner {
            nobody: false,
            uid: uid.unwrap_or(0),
            gid: gid.unwrap_or(0),
            ..Owner::default()
        });
        if owner.is_some() && self.in_interface.is_some() {
            return wrong("--uid and --gid are for packets that this host sends: -i says that it comes from outside");
        }
        for name in [&self.in_interface, &self.out_interface].into_iter().flatten() {
            if name.is_empty() || name.len() > 15 || name.contains(['/', ' ']) {
                return wrong(format!("`{name}' cannot be the name of an interface: up to 15 letters"));
            }
        }
        let link = match &self.mac_source {
            None => None,
            Some(text) => Some(Link { dst: [0; 6], src: mac(text)? }),
        };
        let pkttype = match self.pkttype.as_deref() {
            None => None,
            Some("unicast") => Some(pkttype::HOST),
            Some("broadcast") => Some(pkttype::BROADCAST),
            Some("multicast") => Some(pkttype::MULTICAST),
            Some(odd) => return wrong(format!("--pkttype {odd}: one of unicast, broadcast, multicast")),
        };
        let mark = self.mark.as_deref().map(|m| number(m, "mark", u32::MAX.into())).transpose()?.unwrap_or(0);
        Ok(Wanted {
            family: Family::V4,
            iif: self.in_interface.clone(),
            oif: self.out_interface.clone(),
            src: None,
            dst: 0,
            state,
            owner,
            assumed: Vec::new(),
            form: Form::Bytes(Vec::new()),
            mark: mark as u32,
            link,
            pkttype,
        })
    }

    fn build(&self, family: Option<Family>, names: &dyn Names) -> Result<Wanted, Wrong> {
        let mut wanted = self.common(names)?;
        let Some(destination) = self.destination else {
            return wrong(
                "where does the packet go? -d ADDRESS is missing (or the short form: tcp SOURCE -> DESTINATION)",
            );
        };
        let of = |a: IpAddr| ip_number(a).0;
        wanted.family = of(destination);
        if let Some(source) = self.source.filter(|&s| of(s) != wanted.family) {
            return wrong(format!("-s {source} and -d {destination} are not of one family"));
        }
        if family.is_some_and(|f| f != wanted.family) {
            let (is, rules) = if wanted.family == Family::V4 { ("IPv4", "ip6tables") } else { ("IPv6", "iptables") };
            return wrong(format!("-d {destination} is {is}, but the rules given are for {rules}"));
        }
        (wanted.src, wanted.dst) = (self.source.map(|s| ip_number(s).1), ip_number(destination).1);
        let protocol = self.protocol_number(wanted.family, names)?;
        let l4 = self.transport(protocol, &mut wanted, names)?;
        let source = self.source.unwrap_or(destination);
        let mut build = Build::new(source, destination, l4);
        build.payload = self.payload.as_ref().map_or_else(|| b"oxtables".to_vec(), |p| p.clone().into_bytes());
        build.ttl = self.ttl.unwrap_or(64);
        build.tos = self.tos.as_deref().map(|t| number(t, "tos", 255)).transpose()?.unwrap_or(0) as u8;
        wanted.form = Form::Build(Box::new(build), self.length);
        Ok(wanted)
    }

    fn protocol_number(&self, family: Family, names: &dyn Names) -> Result<u8, Wrong> {
        let Some(text) = self.protocol.as_deref() else {
            return if self.icmp_type.is_some() {
                Ok(proto::ICMP)
            } else if self.icmpv6_type.is_some() {
                Ok(proto::ICMPV6)
            } else {
                wrong("which protocol? -p tcp, -p udp, -p icmp, … is missing")
            };
        };
        let known = text.parse().ok().or_else(|| match text {
            "icmpv6" | "ipv6-icmp" => Some(proto::ICMPV6),
            other => proto::number(other).or_else(|| names.protocol(other)),
        });
        match (known, family) {
            (Some(proto::ICMP), Family::V6) => wrong("-p icmp is IPv4's, the addresses are IPv6: -p ipv6-icmp"),
            (Some(proto::ICMPV6), Family::V4) => wrong("-p ipv6-icmp is IPv6's, the addresses are IPv4: -p icmp"),
            (Some(n), _) => Ok(n),
            (None, _) => wrong(format!("-p {text}: no protocol of that name is known here")),
        }
    }

    fn transport(&self, protocol: u8, wanted: &mut Wanted, names: &dyn Names) -> Result<L4, Wrong> {
        let name = proto::name(protocol).unwrap_or("it");
        if !proto::has_ports(protocol) && (self.sport.is_some() || self.dport.is_some()) {
            return wrong(format!("{name} has no ports: --sport and --dport do not go with -p {name}"));
        }
        if protocol != proto::TCP && (self.syn || self.tcp_flags.is_some()) {
            return wrong("--syn and --tcp-flags go with -p tcp only");
        }
        let port = |text: &str, what: &str| match text.parse::<u16>().ok().or_else(|| names.port(text, Some(name))) {
            Some(port) => Ok(port),
            None => wrong(format!("--{what} {text}: a number up to 65535, or a service that this system knows")),
        };
        match protocol {
            p if proto::has_ports(p) => {
                let dport = match &self.dport {
                    Some(text) => port(text, "dport")?,
                    None => {
                        return wrong(format!("which port? {name} needs --dport (or ADDRESS:PORT in the short form)"));
                    }
                };
                let sport = match &self.sport {
                    Some(text) => port(text, "sport")?,
                    None => {
                        wanted.assumed.push("the source port is 40000".to_owned());
                        40_000
                    }
                };
                let mut l4 = L4::with_ports(p, sport, dport);
                if let L4::Tcp { flags, ack, .. } = &mut l4 {
                    *flags = match (&self.tcp_flags, wanted.state) {
                        (Some(list), _) => tcp_flags(list)?,
                        (None, Some(State::Established)) if !self.syn => tcp::ACK | tcp::PSH,
                        _ => tcp::SYN,
                    };
                    if *flags & tcp::ACK != 0 {
                        *ack = 1;
                    }
                }
                Ok(l4)
            }
            proto::ICMP => {
                let (kind, code) =
                    self.icmp_type.as_deref().map_or(Ok((icmp::ECHO, 0)), |t| icmp_type(t, icmp::name, "icmp-type"))?;
                Ok(L4::Icmp { kind, code, rest: 0x0001_0001 })
            }
            proto::ICMPV6 => {
                let (kind, code) = self
                    .icmpv6_type
                    .as_deref()
                    .map_or(Ok((icmp6::ECHO_REQUEST, 0)), |t| icmp_type(t, icmp6::name, "icmpv6-type"))?;
                Ok(L4::Icmp6 { kind, code, rest: 0x0001_0001 })
            }
            p => Ok(L4::with_ports(p, 0, 0)),
        }
    }

    fn capture(&self, place: &str, names: &dyn Names) -> Result<Wanted, Wrong> {
        let (file, nth) = match place.rsplit_once(':').map(|(f, n)| (f, n.parse::<u64>())) {
            Some((file, Ok(n))) if n > 0 => (file, n),
            _ => (place, 1),
        };
        let say = |e: ox_io::Error| Wrong(e.to_string());
        let mut capture = ox_io::pcap::open(&PathBuf::from(file)).map_err(say)?;
        let mut packet = ox_io::pcap::Packet::default();
        for n in 1..=nth {
            if !capture.read(&mut packet).map_err(say)? {
                return wrong(format!("--pcap {place}: {file} has only {} packets", n - 1));
            }
        }
        let mut wanted = self.common(names)?;
        let (bytes, link) = super::link::peel(&packet).map_err(|why| Wrong(format!("--pcap {place}: {why}")))?;
        let Ok(read) = Packet::new(bytes.clone()) else {
            return wrong(format!("--pcap {place}: packet {nth} is no IP packet that can be read"));
        };
        wanted.family = read.layout.family;
        (wanted.src, wanted.dst) = (Some(read.key.src), read.key.dst);
        wanted.link = wanted.link.or(link);
        wanted.iif = wanted.iif.or_else(|| packet.interface.as_ref().map(|i| i.to_string()));
        if wanted.iif.is_none() {
            wanted.assumed.push("this host sends it: the capture names no interface, and -i was not given".to_owned());
        }
        wanted.form = Form::Bytes(bytes);
        Ok(wanted)
    }
}

impl Wanted {
    /// The packet, from this source if none was said.
    pub fn packet(&self, src: u128) -> Result<Packet, Wrong> {
        let bytes = match &self.form {
            Form::Bytes(bytes) => bytes.clone(),
            Form::Build(build, length) => {
                let mut build = (**build).clone();
                build.src = ox_packet::ip_address(self.family, self.src.unwrap_or(src));
                if let Some(length) = *length {
                    let short = Build { payload: Vec::new(), ..build.clone() }.bytes().len();
                    let Some(rest) = usize::from(length).checked_sub(short) else {
                        return wrong(format!("--length {length}: its headers alone are {short} bytes"));
                    };
                    build.payload.resize(rest, b'.');
                }
                build.bytes()
            }
        };
        let Ok(mut packet) = Packet::new(bytes) else { return wrong("it cannot be read as an IP packet") };
        packet.key.mark = self.mark;
        packet.meta.link = self.link;
        packet.key.iif = self.iif.as_deref().map_or(0, ox_packet::iface_number);
        packet.key.oif = match self.iif {
            Some(_) => 0,
            None => self.oif.as_deref().map_or(0, ox_packet::iface_number),
        };
        packet.key.pkttype = self.pkttype.unwrap_or_else(|| link_type(self.family, self.dst));
        packet.meta.untracked = self.state == Some(State::Untracked);
        if self.state == Some(State::Invalid) {
            spoil(&mut packet);
        }
        Ok(packet)
    }
}

/// How the link layer would have addressed it.
fn link_type(family: Family, dst: u128) -> u8 {
    match family {
        Family::V4 if dst == 0xffff_ffff => pkttype::BROADCAST,
        Family::V4 if dst >> 28 == 0xe => pkttype::MULTICAST,
        Family::V6 if dst >> 120 == 0xff => pkttype::MULTICAST,
        _ => pkttype::HOST,
    }
}

/// Makes connection tracking find it invalid: by its checksum, which no rule looks at.
fn spoil(packet: &mut Packet) {
    let at = packet.layout.l4
        + match packet.layout.proto {
            proto::TCP => 16,
            proto::UDP => 6,
            _ => 2,
        };
    if let Some(byte) = packet.bytes.get_mut(at) {
        *byte ^= 0x55;
    }
}

/// `192.0.2.7:40000`, `[2001:db8::1]:80`, or an address alone.
fn place(text: &str, _: &dyn Names) -> Result<(Option<IpAddr>, Option<String>), Wrong> {
    let (addr, port) = match text.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((addr, rest))) => (addr, rest.strip_prefix(':').map(str::to_owned)),
        Some(None) => return wrong(format!("`{text}': the bracket is not closed")),
        None => match text.parse::<IpAddr>() {
            Ok(_) => (text, None),
            Err(_) => match text.rsplit_once(':') {
                Some((addr, port)) => (addr, Some(port.to_owned())),
                None => (text, None),
            },
        },
    };
    match addr.parse() {
        Ok(addr) => Ok((Some(addr), port)),
        Err(_) => wrong(format!("`{text}' is no address: 192.0.2.7, 192.0.2.7:80, 2001:db8::1 or [2001:db8::1]:80")),
    }
}

fn number(text: &str, what: &str, max: u64) -> Result<u64, Wrong> {
    match ox_rules::syntax::number_u64(text, max) {
        Some(n) => Ok(n),
        None => wrong(format!("--{what} {text}: a number up to {max:#x}")),
    }
}

fn mac(text: &str) -> Result<[u8; 6], Wrong> {
    let parts: Vec<_> = text.split(':').map(|p| u8::from_str_radix(p, 16)).collect();
    match parts.into_iter().collect::<Result<Vec<u8>, _>>().ok().and_then(|p| p.try_into().ok()) {
        Some(mac) => Ok(mac),
        None => wrong(format!("--mac-source {text}: six bytes, as in 02:00:00:00:00:01")),
    }
}

fn tcp_flags(list: &str) -> Result<u8, Wrong> {
    let mut flags = 0;
    for name in list.split(',') {
        flags |= match name.to_ascii_uppercase().as_str() {
            "FIN" | "F" => tcp::FIN,
            "SYN" | "S" => tcp::SYN,
            "RST" | "R" => tcp::RST,
            "PSH" | "P" => tcp::PSH,
            "ACK" | "." => tcp::ACK,
            "URG" | "U" => tcp::URG,
            "ECE" => tcp::ECE,
            "CWR" => tcp::CWR,
            "NONE" => 0,
            "ALL" => 0x3f,
            "S." => tcp::SYN | tcp::ACK,
            "P." => tcp::PSH | tcp::ACK,
            "F." => tcp::FIN | tcp::ACK,
            "R." => tcp::RST | tcp::ACK,
            odd => {
                return wrong(format!(
                    "--tcp-flags: `{odd}' is none of FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, ALL, NONE"
                ));
            }
        };
    }
    Ok(flags)
}

/// A type by name, `type` or `type/code`.
fn icmp_type(text: &str, name: fn(u8, u8) -> Option<&'static str>, what: &str) -> Result<(u8, u8), Wrong> {
    let (kind, code) = text.split_once('/').unwrap_or((text, "0"));
    if let (Ok(kind), Ok(code)) = (kind.parse(), code.parse()) {
        return Ok((kind, code));
    }
    // iptables knows some types by a second name.
    let meant = match text {
        "ping" => "echo-request",
        "pong" => "echo-reply",
        "neighbor-solicitation" => "neighbour-solicitation",
        "neighbor-advertisement" => "neighbour-advertisement",
        "ttl-exceeded" | "time-exceeded" => "ttl-zero-during-transit",
        "destination-unreachable" => "network-unreachable",
        other => other,
    };
    let all = (0..=255u8).flat_map(|k| (0..=20u8).map(move |c| (k, c)));
    match all.into_iter().find(|&(k, c)| name(k, c) == Some(meant)) {
        Some(found) => Ok(found),
        None => wrong(format!("--{what} {text}: no type of that name; `echo-request', or a number as in 3/1")),
    }
}
