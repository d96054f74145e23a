//! TCP windows: whether a segment can be part of what both hosts are saying.
//!
//! From what was seen of each side we keep the end of its data (`end`), the end it may go to by the other's window
//! (`max_end`), and the largest window it has offered (`max_window`). A segment is inside if it starts before `max_end`,
//! does not end too far before `end`, acknowledges nothing unsent, and is not absurdly late in acknowledging.
//!
//! Kernel: net/netfilter/nf_conntrack_proto_tcp.c `tcp_in_window`, `tcp_init_sender`, `tcp_options`, `tcp_sack`.

use super::tcp::{SYN_RECV, SYN_SENT, Tcp};
use super::tcp_segment::Segment;
use ox_packet::tcp::{ACK, RST, SYN, option};

// Bits of `Side::flags` (ABI: uapi/linux/netfilter/nf_conntrack_tcp.h `IP_CT_TCP_FLAG_*`).
/// It offered window scaling.
pub(super) const SCALES: u8 = 0x01;
/// It offered selective acknowledgement.
pub(super) const SACK_PERM: u8 = 0x02;
/// It was the first to close.
pub(super) const CLOSE_INIT: u8 = 0x04;
/// Its windows are not known well enough to judge by.
pub(super) const LIBERAL: u8 = 0x08;
/// Some of its data is not acknowledged yet.
pub(super) const UNACKED: u8 = 0x10;
/// `max_ack` holds.
pub(super) const MAXACK_SET: u8 = 0x20;

/// The least distance an acknowledgement may lag behind (Kernel: `MAXACKWINCONST`).
const MAX_ACK_WINDOW: u32 = 66_000;
/// The largest window scale (Kernel: `TCP_MAX_WSCALE`).
const MAX_SCALE: u8 = 14;

/// What was seen of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Side {
    pub end: u32,
    pub max_end: u32,
    pub max_window: u32,
    pub max_ack: u32,
    pub scale: u8,
    pub flags: u8,
}

/// How a segment stands to the window.
pub(super) enum Window {
    Inside,
    Ignore(&'static str),
    Outside(&'static str),
}

/// Whether `a` comes before `b` on the circle of sequence numbers.
pub(super) fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

fn after(a: u32, b: u32) -> bool {
    before(b, a)
}

/// The options of a header, as far as they are sound: kind and data.
fn walk(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        loop {
            let (&kind, rest) = bytes.split_first()?;
            match kind {
                option::END => return None,
                option::NOP => bytes = rest,
                _ => {
                    let len = usize::from(*rest.first()?);
                    if len < 2 || len > bytes.len() {
                        return None;
                    }
                    let (this, after) = bytes.split_at(len);
                    bytes = after;
                    return Some((kind, &this[2..]));
                }
            }
        }
    })
}

/// Takes from a SYN's options what a side announces. A header without any changes nothing.
pub(super) fn options(bytes: &[u8], side: &mut Side) {
    if bytes.is_empty() {
        return;
    }
    side.scale = 0;
    side.flags &= LIBERAL;
    for (kind, data) in walk(bytes) {
        match (kind, data) {
            (option::SACK_PERMITTED, []) => side.flags |= SACK_PERM,
            (option::WSCALE, [scale]) => {
                side.scale = (*scale).min(MAX_SCALE);
                side.flags |= SCALES;
            }
            _ => {}
        }
    }
}

/// The farthest acknowledgement in a segment: its number, or the end of a block beyond it.
fn farthest_ack(bytes: &[u8], ack: u32) -> u32 {
    let blocks = walk(bytes).find(|(kind, data)| *kind == option::SACK && !data.is_empty() && data.len() % 8 == 0);
    let ends = blocks.into_iter().flat_map(|(_, data)| data.chunks_exact(8)).filter_map(|b| b.last_chunk::<4>());
    ends.map(|end| u32::from_be_bytes(*end)).fold(ack, |far, end| if after(end, far) { end } else { far })
}

impl Tcp {
    fn sides(&mut self, dir: usize) -> (&mut Side, &mut Side) {
        let [first, second] = &mut self.sides;
        if dir == 0 { (first, second) } else { (second, first) }
    }

    /// A side introduces itself by SYN.
    fn introduce(&mut self, segment: &Segment<'_>, dir: usize) {
        let (sender, receiver) = self.sides(dir);
        sender.end = segment.end;
        sender.max_end = segment.end;
        sender.max_window = u32::from(segment.window).max(1);
        options(segment.options, sender);
        // Scaling counts only if both sides offer it.
        if dir == 1 && sender.flags & receiver.flags & SCALES == 0 {
            sender.scale = 0;
            receiver.scale = 0;
        }
    }

    /// Judges a segment by both sides' windows and learns from it.
    pub(super) fn in_window(&mut self, segment: &Segment<'_>, dir: usize, state: u8, be_liberal: bool) -> Window {
        let Segment { mut seq, mut ack, mut end, .. } = *segment;
        let mut window = u32::from(segment.window);
        let syn = segment.has(SYN);
        let mut sack = ack;
        if self.sides[1 - dir].flags & SACK_PERM != 0 {
            sack = farthest_ack(segment.options, ack);
        }
        if self.sides[dir].max_window == 0 {
            if syn {
                self.introduce(segment, dir);
                if !segment.has(ACK) {
                    return Window::Inside;
                }
            } else {
                let (sender, receiver) = self.sides(dir);
                sender.end = end;
                sender.max_window = (window << sender.scale).max(1);
                sender.max_end = end.wrapping_add(sender.max_window);
                if receiver.max_window == 0 {
                    receiver.end = sack;
                    receiver.max_end = sack;
                } else if sack == receiver.end.wrapping_add(1) {
                    // Probably the answer to a keep-alive.
                    receiver.end = receiver.end.wrapping_add(1);
                }
            }
        } else if syn && after(end, self.sides[dir].end) && matches!(state, SYN_SENT | SYN_RECV) {
            // Opened anew with another sequence number, and perhaps other options.
            self.introduce(segment, dir);
            if dir == 1 && !segment.has(ACK) {
                return Window::Inside;
            }
        }
        let (sender, receiver) = self.sides(dir);
        let liberal = be_liberal || sender.flags & LIBERAL != 0;
        if !segment.has(ACK) || segment.has(RST) && ack == 0 {
            ack = receiver.end;
            sack = receiver.end;
        }
        if segment.has(RST) && seq == 0 && state == SYN_SENT {
            // The answer to a SYN.
            seq = sender.end;
            end = sender.end;
        }
        let lag = sender.max_window.max(MAX_ACK_WINDOW);
        let ack_in_time = after(sack, receiver.end.wrapping_sub(lag).wrapping_sub(1));
        let ack_of_sent = before(sack, receiver.end.wrapping_add(1));
        let recent = after(end, sender.end.wrapping_sub(receiver.max_window).wrapping_sub(1));
        if !before(seq, sender.max_end.wrapping_add(1)) {
            let overshot = end.wrapping_sub(sender.max_end).wrapping_add(1);
            let a_little = receiver.max_window != 0 && recent && ack_in_time && ack_of_sent;
            if a_little && overshot <= receiver.max_window {
                // Some hosts send more than they may. If the rules let it pass, its acknowledgement must pass too.
                sender.end = end;
                sender.flags |= UNACKED;
                if !liberal {
                    return Window::Ignore("a little more data than the receiver's window");
                }
            } else if !liberal {
                return Window::Outside("data beyond the receiver's window");
            }
            return Window::Inside;
        }
        if !ack_of_sent {
            return if liberal { Window::Inside } else { Window::Outside("acknowledges data that was not sent") };
        }
        if receiver.max_window != 0 && !recent {
            return if liberal { Window::Inside } else { Window::Ignore("data that was acknowledged long ago") };
        }
        if !ack_in_time {
            return if liberal { Window::Inside } else { Window::Ignore("an acknowledgement that is far too late") };
        }
        if !syn {
            window <<= sender.scale;
        }
        self.learn(segment, Learned { seq, ack, sack, end, window }, dir);
        Window::Inside
    }

    fn learn(&mut self, segment: &Segment<'_>, of: Learned, dir: usize) {
        let Learned { seq, ack, sack, end, window } = of;
        let (sender, receiver) = self.sides(dir);
        sender.max_window = sender.max_window.max(window.wrapping_add(sack.wrapping_sub(ack)));
        if after(end, sender.end) {
            sender.end = end;
            sender.flags |= UNACKED;
        }
        if segment.has(ACK) && (sender.flags & MAXACK_SET == 0 || after(ack, sender.max_ack)) {
            sender.max_ack = ack;
            sender.flags |= MAXACK_SET;
        }
        if receiver.max_window != 0 && after(end, sender.max_end) {
            receiver.max_window = receiver.max_window.wrapping_add(end.wrapping_sub(sender.max_end));
        }
        let offered = sack.wrapping_add(window);
        if after(offered, receiver.max_end.wrapping_sub(1)) {
            receiver.max_end = if window == 0 { offered.wrapping_add(1) } else { offered };
        }
        if ack == receiver.end {
            receiver.flags &= !UNACKED;
        }
        if segment.is_plain_ack() {
            let last = (self.last_dir, self.last_seq, self.last_ack, self.last_end, self.last_window);
            if last == (dir, seq, ack, end, segment.window) {
                self.retransmitted = self.retransmitted.wrapping_add(1);
            } else {
                (self.last_dir, self.last_seq, self.last_ack, self.last_end, self.last_window) =
                    (dir, seq, ack, end, segment.window);
                self.retransmitted = 0;
            }
        }
    }
}

/// What a segment inside the window teaches.
struct Learned {
    seq: u32,
    ack: u32,
    sack: u32,
    end: u32,
    window: u32,
}
