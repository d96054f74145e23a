//! The packet that is asked about: in iptables' own flags, in the short form, or out of a capture.

use super::value::{icmp_type, mac, number, place, tcp_flags};
use super::wanted::{Form, State, Wanted};
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

/// A refusal.
pub fn wrong<T>(text: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong(text.into()))
}

impl PacketArgs {
    /// Reads the description. `family` is what the rules are for, for packets that could be of both.
    pub fn read(&self, family: Option<Family>, names: &dyn Names) -> Result<Wanted, Wrong> {
        let mut args = self.clone();
        if !self.words.is_empty() {
            args.short()?;
        }
        if let Some(place) = &args.pcap {
            return args.capture(place, names);
        }
        args.build(family, names)
    }

    /// The short form, put into the long one's places.
    fn short(&mut self) -> Result<(), Wrong> {
        // Quoted as a whole or word by word.
        let words = std::mem::take(&mut self.words);
        let words: Vec<String> = words.iter().flat_map(|w| w.split_whitespace()).map(str::to_owned).collect();
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
        let (addr, port) = place(source)?;
        (self.source, self.sport) = (addr, port.or(self.sport.take()));
        let mut after = after.iter();
        let Some(destination) = after.next() else {
            return wrong("`->' has nothing behind it: the destination is missing");
        };
        let (addr, port) = place(destination)?;
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
