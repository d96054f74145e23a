//! The host around the rules, as it is given: a `host.toml`, `--addr`, `--route`, `--sysctl`, `--ipset`.

use clap::Args;
use ox_engine::set::Sets;
use ox_engine::world::{Route, RouteKind, World};
use ox_packet::{Family, iface_number, ip_number};
use ox_rules::model::Net;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The host, as options.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The host")]
pub struct HostArgs {
    /// A description of the host: interfaces, addresses, routes, sysctls, ipsets
    #[arg(long, value_name = "FILE")]
    pub host: Option<PathBuf>,
    /// An address of the host, as in eth0=192.0.2.1/24; may be repeated
    #[arg(long, value_name = "IFACE=ADDR/LEN")]
    pub addr: Vec<String>,
    /// A route, as in '10.0.0.0/8 via 192.0.2.254 dev eth0'; may be repeated
    #[arg(long, value_name = "ROUTE")]
    pub route: Vec<String>,
    /// A setting, as in net.ipv4.ip_forward=1; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub sysctl: Vec<String>,
    /// What the ipsets hold, as `ipset save` prints it; in the place of those of --host
    #[arg(long, value_name = "FILE")]
    pub ipset: Option<PathBuf>,
    /// Where nothing says whose the destination is: it is this host's
    #[arg(long, conflicts_with = "through")]
    pub to_host: bool,
    /// Where nothing says whose the destination is: it is somebody else's, the packet passes through
    #[arg(long)]
    pub through: bool,
}

/// A `host.toml`. examples/README.md documents it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    interface: Vec<InterfaceEntry>,
    #[serde(default)]
    route: Vec<RouteEntry>,
    #[serde(default)]
    sysctl: BTreeMap<String, i64>,
    ipset: Option<IpsetEntry>,
}

/// What `ipset save` prints, in a file beside this one or as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IpsetEntry {
    file: Option<PathBuf>,
    save: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InterfaceEntry {
    name: String,
    #[serde(default)]
    addresses: Vec<String>,
    kind: Option<String>,
    mac: Option<String>,
    mtu: Option<u32>,
    master: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteEntry {
    to: String,
    via: Option<String>,
    dev: Option<String>,
    src: Option<String>,
    kind: Option<String>,
    metric: Option<u32>,
}

/// A host as given.
#[derive(Clone, Debug)]
pub struct Given {
    /// The host.
    pub world: World,
    /// Whether interfaces, addresses or routes were said at all.
    pub known: bool,
    /// Whether forwarding was said, or a whole host was.
    pub settled: bool,
    /// Settings by name, in the order in which they take effect.
    pub sysctls: Vec<(String, i64)>,
    /// What the ipsets hold, as `ipset save` prints it.
    pub ipset: String,
}

impl HostArgs {
    /// The host that the options describe.
    pub fn read(&self) -> Result<Given, String> {
        let mut world = World::default();
        let mut sysctls: Vec<(String, i64)> = Vec::new();
        let mut ipset = None;
        if let Some(path) = &self.host {
            let file = read_file(path)?;
            let name = path.display();
            for i in &file.interface {
                interface(&mut world, i).map_err(|why| format!("{name}: interface {}: {why}", i.name))?;
            }
            for r in &file.route {
                route_entry(&mut world, r).map_err(|why| format!("{name}: route to {}: {why}", r.to))?;
            }
            sysctls.extend(file.sysctl);
            if let Some(entry) = file.ipset {
                ipset = Some(ipset_entry(entry, path).map_err(|why| format!("{name}: ipset: {why}"))?);
            }
        }
        if let Some(file) = &self.ipset {
            ipset = Some((file.display().to_string(), read_text(file)?));
        }
        let (from, ipset) = ipset.unwrap_or_default();
        world.sets = Sets::read(&ipset).map_err(|why| format!("{from}: {why}"))?;
        for text in &self.addr {
            let (iface, addr) = text.split_once('=').ok_or_else(|| format!("--addr {text}: IFACE=ADDRESS/LENGTH"))?;
            add_address(&mut world, iface, addr).map_err(|why| format!("--addr {text}: {why}"))?;
        }
        for text in &self.route {
            route_words(&mut world, text).map_err(|why| format!("--route '{text}': {why}"))?;
        }
        for text in &self.sysctl {
            let (name, value) = text.split_once('=').ok_or_else(|| format!("--sysctl {text}: NAME=VALUE"))?;
            let value = value.trim().parse().map_err(|_| format!("--sysctl {text}: the value is no number"))?;
            sysctls.push((name.trim().replace('/', "."), value));
        }
        // `all` first: an interface's own setting may differ from it.
        sysctls.sort_by_key(|(name, _)| !name.contains(".all.") && name != "net.ipv4.ip_forward");
        for (name, value) in &sysctls {
            // Those that decide nothing here are left alone: a whole `sysctl -a` may be given.
            world.sysctl(name, *value);
        }
        let forwards = sysctls.iter().any(|(n, _)| n.ends_with("forwarding") || n.ends_with("ip_forward"));
        let known = self.host.is_some() || !self.addr.is_empty() || !self.route.is_empty();
        Ok(Given { world, known, settled: self.host.is_some() || forwards, sysctls, ipset })
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let bytes = ox_io::file::read(path).map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|_| format!("{}: it is not text", path.display()))
}

fn read_file(path: &Path) -> Result<File, String> {
    toml::from_str(&read_text(path)?).map_err(|e| format!("{}: {}", path.display(), e.to_string().trim_end()))
}

/// Where the text of the ipsets is from, for messages, and the text.
fn ipset_entry(entry: IpsetEntry, host: &Path) -> Result<(String, String), String> {
    match entry {
        IpsetEntry { file: Some(file), save: None } => {
            let path = host.parent().unwrap_or(Path::new("")).join(file);
            Ok((path.display().to_string(), read_text(&path)?))
        }
        IpsetEntry { file: None, save: Some(text) } => Ok((format!("{}: ipset", host.display()), text)),
        _ => Err("either `file' or `save'".into()),
    }
}

fn interface(world: &mut World, entry: &InterfaceEntry) -> Result<(), String> {
    let InterfaceEntry { name, addresses, kind, mac, mtu, master } = entry;
    if name.is_empty() || name.len() > 15 {
        return Err("the name of an interface has 1 to 15 letters".into());
    }
    let iface = world.iface_mut(name);
    iface.loopback |= kind.as_deref() == Some("loopback");
    if let Some(mtu) = mtu {
        iface.mtu = *mtu;
    }
    if let Some(text) = mac {
        let bytes: Vec<u8> = text.split(':').filter_map(|b| u8::from_str_radix(b, 16).ok()).collect();
        iface.mac = bytes.try_into().map_err(|_| format!("mac {text}: six bytes, as in 02:00:00:00:00:01"))?;
    }
    iface.master = master.as_deref().map(iface_number);
    addresses.iter().try_for_each(|a| add_address(world, name, a))
}

fn add_address(world: &mut World, iface: &str, text: &str) -> Result<(), String> {
    if iface.is_empty() || iface.len() > 15 {
        return Err("the name of an interface has 1 to 15 letters".into());
    }
    let (family, addr, len) = prefix(text)?;
    let iface = world.iface_mut(iface);
    if !iface.addrs.contains(&(family, addr, len)) {
        iface.addrs.push((family, addr, len));
    }
    Ok(())
}

/// `192.0.2.1/24`; without a length, one address.
fn prefix(text: &str) -> Result<(Family, u128, u8), String> {
    let (addr, len) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
    let addr: IpAddr = addr.parse().map_err(|_| format!("`{addr}' is no address"))?;
    let (family, number) = ip_number(addr);
    let width = if family == Family::V4 { 32 } else { 128 };
    let len = match len {
        None => width,
        Some(l) => l.parse().ok().filter(|&n| n <= width).ok_or_else(|| format!("`/{l}' is no prefix length"))?,
    };
    Ok((family, number, len))
}

fn route_entry(world: &mut World, entry: &RouteEntry) -> Result<(), String> {
    let RouteEntry { to, via, dev, src, kind, metric } = entry;
    let mut words = Vec::new();
    words.extend(kind.as_deref());
    words.push(to);
    for (name, value) in [("via", via), ("dev", dev), ("src", src)] {
        if let Some(value) = value {
            words.extend([name, value]);
        }
    }
    let metric = metric.map(|m| m.to_string());
    if let Some(metric) = &metric {
        words.extend(["metric", metric]);
    }
    route(world, &words)
}

fn route_words(world: &mut World, text: &str) -> Result<(), String> {
    route(world, &text.split_whitespace().collect::<Vec<_>>())
}

/// A route in `ip route` words: `[KIND] TO [via ADDR] [dev IFACE] [src ADDR] [metric N]`.
fn route(world: &mut World, words: &[&str]) -> Result<(), String> {
    let kinds = [
        ("unicast", RouteKind::Unicast),
        ("local", RouteKind::Local),
        ("blackhole", RouteKind::Blackhole),
        ("unreachable", RouteKind::Unreachable),
        ("prohibit", RouteKind::Prohibit),
    ];
    let named = words.first().and_then(|w| kinds.iter().find(|k| k.0 == *w));
    let words = if named.is_some() { &words[1..] } else { words };
    let kind = named.map_or(RouteKind::Unicast, |k| k.1);
    let Some((to, options)) = words.split_first() else { return Err("where to?".into()) };
    let (mut via, mut dev, mut src, mut metric) = (None, 0, None, 0);
    for pair in options.chunks(2) {
        let [name, value] = pair else { return Err(format!("`{}' needs a value", pair[0])) };
        let addr = || value.parse::<IpAddr>().map_err(|_| format!("`{value}' is no address"));
        match *name {
            "via" => via = Some(ip_number(addr()?)),
            "src" => src = Some(ip_number(addr()?).1),
            "dev" if value.len() <= 15 => {
                world.iface_mut(value);
                dev = iface_number(value);
            }
            "metric" => metric = value.parse().map_err(|_| format!("metric `{value}' is no number"))?,
            "proto" | "scope" | "table" => {}
            odd => return Err(format!("`{odd} {value}' is not understood: via, dev, src, metric")),
        }
    }
    let family_of_default = via.map(|v| v.0);
    let targets = match *to {
        "default" => match family_of_default {
            Some(family) => vec![(family, Net::ANY)],
            None => vec![(Family::V4, Net::ANY), (Family::V6, Net::ANY)],
        },
        text => {
            let (family, addr, len) = prefix(text)?;
            vec![(family, Net::prefix(family, addr, len))]
        }
    };
    // `via` alone: the interface is the one whose network the next hop is in.
    if let (0, Some((family, hop))) = (dev, via) {
        let near = |i: &&ox_engine::world::Iface| {
            i.addrs.iter().any(|&(f, a, l)| f == family && Net::prefix(f, a, l).has(hop))
        };
        dev = world.ifaces.iter().find(near).map_or(0, |i| i.number);
        if dev == 0 {
            return Err("no interface has an address in the next hop's network: say dev IFACE".into());
        }
    }
    if dev == 0 && matches!(kind, RouteKind::Unicast) {
        return Err("dev IFACE is missing".into());
    }
    for (family, to) in targets {
        world.routes.push(Route { family, to, via: via.map(|v| v.1), dev, kind, src, table: 254, metric });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(args: HostArgs) -> Result<Given, String> {
        args.read()
    }

    #[test]
    fn a_host_is_built_from_words() {
        let args = HostArgs {
            addr: vec!["eth0=192.0.2.1/24".into(), "eth0=2001:db8::1/64".into()],
            route: vec!["10.0.0.0/8 via 192.0.2.254".into(), "default via 192.0.2.9 dev eth0".into()],
            sysctl: vec!["net.ipv4.ip_forward=1".into()],
            ..HostArgs::default()
        };
        let given = given(args).unwrap();
        assert!(given.known && given.settled);
        assert_eq!(given.world.routes.len(), 2);
        assert_eq!(given.world.routes[0].dev, iface_number("eth0"));
        assert!(given.world.ifaces.iter().all(|i| i.forwarding[0]));
        assert!(given.world.is_local(Family::V4, 0xc000_0201));
    }

    #[test]
    fn faults_name_the_word() {
        let fault = |addr: &str, route: &str| {
            let args = HostArgs {
                addr: if addr.is_empty() { vec![] } else { vec![addr.into()] },
                route: if route.is_empty() { vec![] } else { vec![route.into()] },
                ..HostArgs::default()
            };
            given(args).unwrap_err()
        };
        assert_eq!(fault("eth0", ""), "--addr eth0: IFACE=ADDRESS/LENGTH");
        assert_eq!(fault("eth0=300.1.1.1", ""), "--addr eth0=300.1.1.1: `300.1.1.1' is no address");
        assert_eq!(fault("eth0=192.0.2.1/33", ""), "--addr eth0=192.0.2.1/33: `/33' is no prefix length");
        assert_eq!(fault("", "10.0.0.0/8"), "--route '10.0.0.0/8': dev IFACE is missing");
        assert!(fault("", "10.0.0.0/8 over eth0").contains("`over eth0'"));
    }

    #[test]
    fn ipsets_are_a_file_or_a_text() {
        let entry = |text: &str| {
            let file: File = toml::from_str(text).unwrap();
            ipset_entry(file.ipset.unwrap(), Path::new("there/host.toml"))
        };
        let set = "create bad hash:ip\n";
        assert_eq!(
            entry("[ipset]\nsave = \"\"\"\ncreate bad hash:ip\n\"\"\""),
            Ok(("there/host.toml: ipset".into(), set.into()))
        );
        assert!(entry("[ipset]\nfile = 'gone.save'").unwrap_err().contains("there/gone.save"));
        assert_eq!(entry("[ipset]\nfile = 'x'\nsave = 'y'"), Err("either `file' or `save'".into()));
    }
}
