//! The first hook: which connection a packet belongs to.
//!
//! Kernel: net/netfilter/nf_conntrack_core.c `nf_conntrack_in`, `resolve_normal_ct`, `init_conntrack`.

use super::{Fate, Flows, Judged, Seen, Tracked, generic, gre, icmp, icmp6, sctp, tcp, tuple, udp};
use ox_packet::{Family, proto};
use ox_rules::ir::{ConnKind, Dir, Now, Packet, Template, status};

impl Tracked {
    const fn new(kind: ConnKind) -> Self {
        Self { kind, dir: Dir::Original, flow: None, verdict: Fate::Accept, note: None }
    }

    /// INVALID, and why.
    pub(super) const fn invalid(why: &'static str) -> Self {
        Self { note: Some(why), ..Self::new(ConnKind::None) }
    }
}

/// The zones a packet is looked up in, by direction.
///
/// A template's zone is for both directions or for one (`--zone-orig`, `--zone-reply`); the other's is then 0. Where it is
/// taken from the mark, a non-zero `zone_orig` or `zone_reply` alone says for which direction.
pub(super) fn zones(template: Option<&Template>, mark: u32) -> [u16; 2] {
    match template {
        None => [0, 0],
        Some(t) if t.zone_from_mark => match (t.zone_orig != 0, t.zone_reply != 0) {
            (true, false) => [mark as u16, 0],
            (false, true) => [0, mark as u16],
            _ => [mark as u16; 2],
        },
        Some(t) => [t.zone_orig, t.zone_reply],
    }
}

impl Flows {
    /// Finds or makes the connection of a packet that has none yet (the caller knows: a packet over the loopback device
    /// keeps what it got on its way out), and takes note of the packet in it.
    ///
    /// `local_out`: the packet is made here, so its checksum is not looked at. `template` is what `-j CT` attached.
    pub fn track(&mut self, packet: &Packet, local_out: bool, template: Option<&Template>, now: Now) -> Tracked {
        if packet.meta.untracked {
            return Tracked::new(ConnKind::Untracked);
        }
        let verify = self.settings.checksum && !local_out;
        let zones = zones(template, packet.key.mark);
        let about = match (packet.layout.family, packet.layout.proto) {
            (Family::V4, proto::ICMP) => icmp::about(self, packet, zones, verify, now),
            (Family::V6, proto::ICMPV6) => icmp6::about(self, packet, zones, verify, now),
            _ => None,
        };
        if let Some(tracked) = about {
            return tracked;
        }
        let Some(original) = tuple::of_packet(packet) else {
            return Tracked::invalid("there is no transport header to track it by");
        };
        loop {
            let (id, dir) = match self.find(&original, zones, now) {
                Some(found) => found,
                None => {
                    let Some(reply) = tuple::inverse(&original) else {
                        return Tracked::invalid("nothing answers this ICMP type, so it opens no connection");
                    };
                    let Some(id) = self.allocate(original, reply, zones, template, now) else {
                        let full = Tracked::invalid("the connection table is full");
                        return Tracked { verdict: Fate::Drop, ..full };
                    };
                    (id, Dir::Original)
                }
            };
            let kind = match self.get(id) {
                Some(flow) if dir == Dir::Reply || flow.has(status::SEEN_REPLY) => ConnKind::Established,
                Some(flow) if flow.has(status::EXPECTED) => ConnKind::Related,
                _ => ConnKind::New,
            };
            let tracked = Tracked { dir, flow: Some(id), ..Tracked::new(kind) };
            let note = match self.judge(id, packet, dir, verify, now) {
                Judged::Accept => None,
                Judged::Ignored(why) => Some(why),
                Judged::Invalid(why) => {
                    self.discard(id);
                    return Tracked::invalid(why);
                }
                Judged::Reopen => {
                    self.kill(id);
                    continue;
                }
                Judged::Over => {
                    self.kill(id);
                    None
                }
            };
            if dir == Dir::Reply
                && let Some(flow) = self.get_mut(id)
            {
                flow.conn.status |= status::SEEN_REPLY;
            }
            return Tracked { note, ..tracked };
        }
    }

    fn judge(&mut self, id: super::FlowId, packet: &Packet, dir: Dir, verify: bool, now: Now) -> Judged {
        let Some((flow, settings)) = self.parts(id) else { return Judged::Invalid("its connection is gone") };
        let policy = flow.policy.clone();
        let timeouts = policy.as_deref().unwrap_or(&settings.timeouts);
        let seen = Seen { packet, l4: packet.transport(), dir, verify, now, settings, timeouts };
        match flow.conn.original.proto {
            proto::TCP => tcp::packet(flow, &seen),
            proto::UDP => udp::packet(flow, &seen),
            proto::UDPLITE => udp::lite(flow, &seen),
            proto::ICMP => icmp::packet(flow, &seen),
            proto::ICMPV6 => icmp6::packet(flow, &seen),
            proto::SCTP => sctp::packet(flow, &seen),
            proto::GRE => gre::packet(flow, &seen),
            _ => generic::packet(flow, &seen),
        }
    }
}
