//! What is taken for granted about a host that nobody described: enough to walk the rules, and every bit of it said.
//!
//! The rules themselves tell a good deal: the interfaces they name, the networks they tie to one, the addresses they
//! translate to. What a question is about tells the rest: a packet to an unknown address that came in from outside is
//! taken to be for this host, one that comes from a network which the rules masquerade is taken to pass through.

use super::hints::{Hints, bridge, everybody, example, hints, loopback, wire};
use super::host::{Given, HostArgs};
use super::wanted::Wanted;
use ox_engine::world::{Route, RouteKind, World};
use ox_packet::{Family, iface_number, ip_address};
use ox_rules::ir::Program;
use ox_rules::model::{Net, Ruleset};

/// A host to ask about, and what was assumed about it.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The host.
    pub world: World,
    /// The source address of packets whose source was not said.
    pub src: u128,
    /// What was assumed.
    pub assumed: Vec<String>,
    /// Assumptions that matter only where this address shows.
    pub if_seen: Option<(String, String)>,
    /// Whether it was assumed that this host forwards: it matters only where a packet is forwarded.
    pub if_forwarded: bool,
}

/// The interface by which packets leave when nothing tells which.
pub const ELSEWHERE: &str = "elsewhere";

/// The setting of a question.
pub fn setting(given: &Given, args: &HostArgs, wanted: &Wanted, rules: &[(&Ruleset, &Program)]) -> Setting {
    setting_by(given, args, wanted, &if given.known { Hints::default() } else { hints(rules) })
}

/// The same, the hints being known.
pub fn setting_by(given: &Given, args: &HostArgs, wanted: &Wanted, hints: &Hints) -> Setting {
    let mut setting = Setting {
        world: given.world.clone(),
        src: 0,
        assumed: wanted.assumed.clone(),
        if_seen: None,
        if_forwarded: false,
    };
    setting.world.owner = wanted.owner.clone();
    if given.known {
        setting.described(given, wanted);
    } else {
        setting.bare(args, wanted, hints);
    }
    setting
}

impl Setting {
    fn say(&mut self, text: String) {
        self.assumed.push(text);
    }

    /// A host that was described: only what is missing from the question is filled in.
    fn described(&mut self, given: &Given, wanted: &Wanted) {
        let family = wanted.family;
        if !given.settled {
            for iface in &mut self.world.ifaces {
                iface.forwarding = [true; 2];
            }
            self.say("this host forwards packets (--sysctl net.ipv4.ip_forward=0 says it does not)".into());
        }
        for name in [&wanted.iif, &wanted.oif].into_iter().flatten() {
            if self.world.iface(iface_number(name)).is_none() {
                let forwarding = self.world.ifaces.iter().any(|i| i.forwarding[family as usize]);
                self.world.iface_mut(name).forwarding = [forwarding; 2];
                self.say(format!("there is an interface {name}, without an address"));
            }
        }
        self.src = match wanted.iif {
            Some(_) => self.stranger(wanted),
            None => {
                let flow = ox_engine::route::Flow { family, dst: wanted.dst, ..Default::default() };
                self.world.lookup(&flow).and_then(|f| f.src).unwrap_or_else(|| example(family, 1))
            }
        };
        if wanted.src.is_none() && wanted.iif.is_none() {
            self.say(format!("its source is {} (-s says otherwise)", ip_address(family, self.src)));
        }
    }

    /// A source for packets from outside that have none.
    fn stranger(&mut self, wanted: &Wanted) -> u128 {
        let src = example(wanted.family, 7);
        if wanted.src.is_none() {
            self.say(format!("its source is {} (-s says otherwise)", ip_address(wanted.family, src)));
        }
        wanted.src.unwrap_or(src)
    }

    /// A host of which only the rules are known.
    fn bare(&mut self, args: &HostArgs, wanted: &Wanted, hints: &Hints) {
        let family = wanted.family;
        for name in hints.ifaces.iter().chain(&wanted.iif).chain(&wanted.oif) {
            self.world.iface_mut(name);
        }
        // A source that was given for a packet of this host's own is its address.
        let own = wanted.src.filter(|&s| wanted.iif.is_none() && !loopback(family, s));
        let outside = own.unwrap_or_else(|| example(family, 254));
        let width = if family == Family::V4 { 32 } else { 128 };
        let out = self.way_out(wanted, hints);
        self.world.iface_mut(&out);
        for iface in self.world.ifaces.iter_mut().filter(|i| !i.loopback) {
            iface.addrs.push((family, outside, width));
        }
        let shown = ip_address(family, outside).to_string();
        self.if_seen =
            Some((shown.clone(), format!("{shown} is this host's own address (--addr IFACE=ADDRESS says otherwise)")));
        self.src = match wanted.iif {
            Some(_) => self.stranger(wanted),
            None => wanted.src.unwrap_or(if loopback(family, wanted.dst) { wanted.dst } else { outside }),
        };
        self.routes(wanted, hints, &out);
        self.destination(args, wanted, hints);
        if args.sysctl.is_empty() {
            self.if_forwarded = true;
            for iface in &mut self.world.ifaces {
                iface.forwarding = [true; 2];
            }
        }
    }

    fn destination(&mut self, args: &HostArgs, wanted: &Wanted, hints: &Hints) {
        let family = wanted.family;
        let width = if family == Family::V4 { 32 } else { 128 };
        let dst = ip_address(family, wanted.dst);
        let Some(iif) = &wanted.iif else {
            // The packet's source is ours, whatever it is.
            if !loopback(family, self.src) {
                let first = self.world.ifaces.iter_mut().find(|i| !i.loopback);
                first.into_iter().for_each(|i| i.addrs.push((family, self.src, width)));
            }
            if wanted.src.is_none() && !loopback(family, wanted.dst) {
                self.say(format!("its source is {} (-s says otherwise)", ip_address(family, self.src)));
            }
            if args.to_host && !loopback(family, wanted.dst) {
                self.own(None, wanted);
                self.say(format!("{dst} is an address of this host, as --to-host says"));
            }
            return;
        };
        if loopback(family, wanted.dst) || everybody(family, wanted.dst) {
            return;
        }
        let (ours, why) = match (args.to_host, args.through) {
            (true, _) => (true, "as --to-host says".to_owned()),
            (_, true) => (false, "as --through says".to_owned()),
            _ => hints.ours(wanted, self.src),
        };
        if ours {
            self.own(Some(iif), wanted);
            self.say(format!("{dst} is an address of this host: {why} (--through says otherwise)"));
        } else {
            self.say(format!("{dst} is not an address of this host: {why} (--to-host says otherwise)"));
            self.say("this host forwards packets".to_owned());
        }
    }

    fn own(&mut self, iface: Option<&str>, wanted: &Wanted) {
        let width = if wanted.family == Family::V4 { 32 } else { 128 };
        let entry = (wanted.family, wanted.dst, width);
        let at = match iface {
            Some(name) => Some(self.world.iface_mut(name)),
            None => self.world.ifaces.iter_mut().find(|i| !i.loopback),
        };
        at.into_iter().for_each(|i| i.addrs.insert(0, entry));
    }

    /// Which interface unknown destinations are behind.
    fn way_out(&mut self, wanted: &Wanted, hints: &Hints) -> String {
        if let Some(oif) = &wanted.oif {
            return oif.clone();
        }
        let came = wanted.iif.as_deref();
        let candidates = hints.outward.iter().chain(&hints.ifaces);
        let outer = |n: &&String| {
            came != Some(n.as_str()) && *n != "lo" && !bridge(n) && (hints.outward.contains(n) || wire(n))
        };
        candidates.into_iter().find(outer).cloned().unwrap_or_else(|| ELSEWHERE.to_owned())
    }

    fn routes(&mut self, wanted: &Wanted, hints: &Hints, out: &str) {
        let family = wanted.family;
        let route = |to: Net, dev: &str| Route {
            family,
            to,
            via: None,
            dev: iface_number(dev),
            kind: RouteKind::Unicast,
            src: None,
            table: 254,
            metric: 0,
        };
        self.world.routes.push(route(Net::ANY, out));
        let width = if family == Family::V4 { 32 } else { 128 };
        if let Some(iif) = &wanted.iif {
            // Answers find their way back.
            self.world.routes.push(route(Net::prefix(family, self.src, width), iif));
        }
        for (net, dev) in &hints.nets {
            self.world.routes.push(route(*net, dev));
        }
        if let Some(oif) = &wanted.oif {
            self.world.routes.push(Route { metric: 0, ..route(Net::prefix(family, wanted.dst, width), oif) });
        }
    }
}

/// Said where rules that remember or count were asked, and nothing was sent before.
pub const FRESH: &str =
    "what rules remember or count (limits, lists, turns) begins afresh (--before PACKET sends a packet first)";

/// Says, once the answer is known, what else of the assumptions it rests on.
pub fn after(setting: &Setting, packets: &[String], outs: &[String], forwarded: bool) -> Vec<String> {
    const FORWARDS: &str = "this host forwards packets";
    let mut all = setting.assumed.clone();
    if setting.if_forwarded && forwarded && !all.iter().any(|a| a.starts_with(FORWARDS)) {
        all.push(FORWARDS.to_owned());
    }
    if outs.iter().any(|o| o == ELSEWHERE) {
        all.push(format!(
            "it leaves by an interface that no rule names, called `{ELSEWHERE}' here (-o IFACE, --route or --host say by which)"
        ));
    }
    if let Some((address, text)) = &setting.if_seen
        && packets.iter().any(|p| {
            p.contains(&format!("{address}:")) || p.contains(&format!("{address} ")) || p.ends_with(address.as_str())
        })
        && !all.iter().any(|a| a.contains(address.as_str()))
    {
        all.push(text.clone());
    }
    all
}
