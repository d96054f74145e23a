//! TCP: the state machine, what is ignored, what reopens and what closes a connection.
//!
//! The machine stands between two hosts and must guess what each of them knows. A packet is *ignored* where the receiver
//! will say by its answer whether it was right; it is *invalid* where no answer could make it so.
//!
//! Kernel: net/netfilter/nf_conntrack_proto_tcp.c `nf_conntrack_tcp_packet`, `tcp_new`, `tcp_error`,
//! `nf_tcp_handle_invalid`.

use super::tcp_segment::{IS_ACK, IS_FIN, IS_NONE, IS_RST, IS_SYN, IS_SYNACK, Segment, flags_make_sense};
use super::tcp_window::{CLOSE_INIT, LIBERAL, MAXACK_SET, SACK_PERM, SCALES, Side, UNACKED, Window, before, options};
use super::timeout::SECOND;
use super::{Flow, Judged, Seen, State};
use ox_packet::Tcp as Header;
use ox_packet::tcp::RST;
use ox_rules::ir::{Dir, status};

/// State number (ABI: uapi/linux/netfilter/nf_conntrack_tcp.h `enum tcp_conntrack`): nothing seen.
pub const NONE: u8 = 0;
/// A SYN was seen.
pub const SYN_SENT: u8 = 1;
/// A SYN and its answer were seen.
pub const SYN_RECV: u8 = 2;
/// Data may flow.
pub const ESTABLISHED: u8 = 3;
/// One side has sent FIN.
pub const FIN_WAIT: u8 = 4;
/// That FIN was acknowledged.
pub const CLOSE_WAIT: u8 = 5;
/// Both sides have sent FIN.
pub const LAST_ACK: u8 = 6;
/// Both FINs were acknowledged.
pub const TIME_WAIT: u8 = 7;
/// Reset.
pub const CLOSE: u8 = 8;
/// SYNs were seen both ways.
pub const SYN_SENT2: u8 = 9;
/// Not a state: the packet is invalid.
const INVALID: u8 = 10;
/// Not a state: the packet is ignored.
const IGNORE: u8 = 11;

/// Index of the timeout after too many retransmissions.
pub const RETRANS: usize = 12;
/// Index of the timeout while data is not acknowledged.
pub const UNACK: usize = 13;

/// The state's name, as /proc/net/nf_conntrack writes it.
pub fn name(state: u8) -> &'static str {
    const NAMES: [&str; 10] = [
        "NONE",
        "SYN_SENT",
        "SYN_RECV",
        "ESTABLISHED",
        "FIN_WAIT",
        "CLOSE_WAIT",
        "LAST_ACK",
        "TIME_WAIT",
        "CLOSE",
        "SYN_SENT2",
    ];
    NAMES.get(usize::from(state)).copied().unwrap_or("NONE")
}

/// Flag of the last segment: a challenge acknowledgement (RFC 5961) may come.
const CHALLENGE: u8 = 0x40;
/// Flag of the last segment: both sides opened at once.
const SIMULTANEOUS: u8 = 0x80;

/// The next state by direction, kind of segment and state.
#[rustfmt::skip]
const NEXT: [[[u8; 10]; 6]; 2] = {
    const SS: u8 = SYN_SENT; const SR: u8 = SYN_RECV; const ES: u8 = ESTABLISHED; const FW: u8 = FIN_WAIT;
    const CW: u8 = CLOSE_WAIT; const LA: u8 = LAST_ACK; const TW: u8 = TIME_WAIT; const CL: u8 = CLOSE;
    const S2: u8 = SYN_SENT2; const IV: u8 = INVALID; const IG: u8 = IGNORE;
    //  NO  SS  SR  ES  FW  CW  LA  TW  CL  S2
    [[
        [SS, SS, IG, IG, IG, IG, IG, SS, SS, S2], // SYN
        [IV, IV, SR, IV, IV, IV, IV, IV, IV, SR], // SYN and ACK
        [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV], // FIN
        [ES, IV, ES, ES, CW, CW, TW, TW, CL, IV], // ACK
        [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL], // RST
        [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
    ], [
        [IV, S2, IV, IV, IV, IV, IV, SS, IV, S2], // SYN
        [IV, SR, IG, IG, IG, IG, IG, IG, IG, SR], // SYN and ACK
        [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV], // FIN
        [IV, IG, SR, ES, CW, CW, TW, TW, CL, IG], // ACK
        [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL], // RST
        [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
    ]]
};

/// What is remembered of a connection besides its state, which is [`ox_rules::ir::Conn::tcp_state`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tcp {
    pub sides: [Side; 2],
    pub last_dir: usize,
    last_index: u8,
    pub retransmitted: u8,
    pub last_seq: u32,
    pub last_ack: u32,
    pub last_end: u32,
    pub last_window: u16,
    last_scale: u8,
    last_flags: u8,
}

impl Tcp {
    /// Starts with the first packet of a connection; `None` if that cannot open one.
    fn open(segment: &Segment<'_>, seen: &Seen<'_>) -> Result<Self, &'static str> {
        let window = u32::from(segment.window).max(1);
        let mut tcp = Self { last_index: IS_NONE, ..Self::default() };
        let first = &mut tcp.sides[0];
        (first.end, first.max_window) = (segment.end, window);
        match NEXT[0][usize::from(segment.kind())][usize::from(NONE)] {
            SYN_SENT => {
                first.max_end = segment.end;
                options(segment.options, first);
            }
            INVALID => return Err("such a segment opens no connection"),
            _ if !seen.settings.tcp_loose => return Err("connections under way are not picked up (tcp_loose=0)"),
            _ => {
                // Its history is lost; the windows' scale is not known, so bounds are not taken seriously.
                first.max_end = segment.end.wrapping_add(window);
                tcp.sides[0].flags = SACK_PERM | LIBERAL;
                tcp.sides[1].flags = SACK_PERM | LIBERAL;
            }
        }
        Ok(tcp)
    }

    /// Remembers a segment that is let through without being believed.
    fn ignore(&mut self, segment: &Segment<'_>, dir: usize, old: u8) {
        let kind = segment.kind();
        (self.last_index, self.last_dir) = (kind, dir);
        (self.last_seq, self.last_end, self.last_window) = (segment.seq, segment.end, segment.window);
        if kind == IS_SYN && dir == 0 {
            let mut side = Side::default();
            options(segment.options, &mut side);
            self.last_flags = side.flags & (SCALES | SACK_PERM);
            self.last_scale = if side.flags & SCALES != 0 { side.scale } else { 0 };
            if old == LAST_ACK {
                self.last_flags |= CHALLENGE;
            }
        }
        if old == SYN_SENT && kind == IS_ACK && dir == 1 {
            self.last_ack = segment.ack;
        }
    }

    /// A SYN that was ignored is now answered: both hosts agree, so believe them.
    fn resync(&mut self, dir: usize) {
        self.last_flags &= !CHALLENGE;
        let opener = &mut self.sides[self.last_dir];
        opener.end = self.last_end;
        opener.max_end = self.last_end;
        opener.max_window = u32::from(self.last_window).max(1);
        opener.scale = self.last_scale;
        opener.flags = self.last_flags;
        let flags = self.sides[dir].flags & LIBERAL;
        self.sides[dir] = Side { flags, ..Side::default() };
    }
}

/// How a RST is to be taken.
enum Reset {
    /// Check it against the window; the state it leads to.
    Check(u8),
    /// It answers something that was let through unchecked: believe it, and go to this state.
    Believe(u8),
    /// Not in order.
    Invalid,
}

fn reset(tcp: &Tcp, segment: &Segment<'_>, dir: usize, old: u8, flow_status: u32, ignore_invalid: bool) -> Reset {
    // A connection that is closing may have been replaced by another one already: what is known of it is stale.
    if matches!(old, FIN_WAIT | LAST_ACK | TIME_WAIT | CLOSE | CLOSE_WAIT) {
        return Reset::Believe(CLOSE);
    }
    let peer = &tcp.sides[1 - dir];
    let assured = flow_status & status::ASSURED != 0;
    let established = old == ESTABLISHED && assured;
    let mut new = CLOSE;
    if peer.flags & MAXACK_SET != 0 && tcp.last_index != IS_SYN {
        if segment.seq == 0 && !established {
            return Reset::Check(CLOSE);
        }
        if before(segment.seq, peer.max_ack) && !ignore_invalid {
            return Reset::Invalid;
        }
        let exact = segment.seq == peer.max_ack;
        let follows = tcp.last_index == IS_ACK && tcp.last_dir == dir && segment.seq == tcp.last_end;
        if !established || exact || follows {
            return Reset::Check(CLOSE);
        }
        // Somewhere in the window: the receiver may challenge it, so the connection stays.
        new = old;
    }
    let seen_reply = flow_status & status::SEEN_REPLY != 0;
    let answers_syn = seen_reply && tcp.last_index == IS_SYN && tcp.last_dir != dir;
    let answers_ack = !assured && tcp.last_index == IS_ACK;
    if (answers_syn || answers_ack) && segment.ack == tcp.last_end {
        return Reset::Believe(new);
    }
    if old == SYN_SENT && tcp.last_index == IS_ACK && tcp.last_dir == 1 && segment.seq == tcp.last_ack {
        return Reset::Believe(new);
    }
    Reset::Check(new)
}

pub(super) fn packet(flow: &mut Flow, seen: &Seen<'_>) -> Judged {
    let Some(header) = Header::new(seen.l4) else { return Judged::Invalid("the TCP header is cut short") };
    if !header.is_sound() {
        return Judged::Invalid("the TCP header length does not fit the packet");
    }
    if seen.checksum_is_wrong() {
        return Judged::Invalid("the TCP checksum is wrong");
    }
    if !flags_make_sense(header.flags()) {
        return Judged::Invalid("a combination of TCP flags that makes no sense");
    }
    let segment = Segment::new(header);
    if !flow.confirmed() {
        match Tcp::open(&segment, seen) {
            Ok(tcp) => flow.state = State::Tcp(tcp),
            Err(why) => return Judged::Invalid(why),
        }
        flow.conn.tcp_state = NONE;
    }
    let State::Tcp(mut tcp) = flow.state else { return Judged::Invalid("not a TCP connection") };
    let judged = advance(flow, &mut tcp, &segment, seen);
    flow.state = State::Tcp(tcp);
    judged
}

fn advance(flow: &mut Flow, tcp: &mut Tcp, segment: &Segment<'_>, seen: &Seen<'_>) -> Judged {
    let dir = seen.dir as usize;
    let kind = segment.kind();
    let mut old = flow.conn.tcp_state;
    let mut new = NEXT[dir][usize::from(kind)][usize::from(old)];
    let mut check = true;
    match new {
        SYN_SENT if old < TIME_WAIT => {}
        SYN_SENT | IGNORE => {
            let aborted = tcp.last_dir == dir && tcp.last_index == IS_RST;
            if new == SYN_SENT && ((tcp.sides[0].flags | tcp.sides[1].flags) & CLOSE_INIT != 0 || aborted) {
                return Judged::Reopen;
            }
            let answers_ignored =
                kind == IS_SYNACK && tcp.last_index == IS_SYN && tcp.last_dir != dir && segment.ack == tcp.last_end;
            if !answers_ignored {
                tcp.ignore(segment, dir, old);
                return Judged::Ignored("the connection may be out of step: the answer will tell");
            }
            (old, new) = (SYN_SENT, SYN_RECV);
            tcp.resync(dir);
        }
        INVALID => return Judged::Invalid("such a segment has no place in the connection's state"),
        TIME_WAIT => {
            let challenge = old == LAST_ACK
                && kind == IS_ACK
                && tcp.last_dir != dir
                && tcp.last_index == IS_SYN
                && tcp.last_flags & CHALLENGE != 0;
            if challenge {
                tcp.last_flags &= !CHALLENGE;
                return Judged::Ignored("a challenge, not the last acknowledgement");
            }
        }
        SYN_SENT2 => tcp.last_flags |= SIMULTANEOUS,
        SYN_RECV if dir == 1 && kind == IS_ACK && tcp.last_flags & SIMULTANEOUS != 0 => new = ESTABLISHED,
        CLOSE if kind == IS_RST => {
            match reset(tcp, segment, dir, old, flow.conn.status, seen.settings.tcp_ignore_invalid_rst) {
                Reset::Check(to) => new = to,
                Reset::Believe(to) => (new, check) = (to, false),
                Reset::Invalid => return Judged::Invalid("a RST from before what was acknowledged"),
            }
        }
        _ => {}
    }
    if check {
        let liberal = seen.settings.tcp_be_liberal;
        match tcp.in_window(segment, dir, flow.conn.tcp_state, liberal) {
            Window::Inside => {}
            Window::Ignore(why) => return Judged::Ignored(why),
            Window::Outside(why) => {
                outside(flow, tcp, dir, kind, seen);
                return Judged::Invalid(why);
            }
        }
    }
    (tcp.last_index, tcp.last_dir) = (kind, dir);
    flow.conn.tcp_state = new;
    if old != new && new == FIN_WAIT {
        tcp.sides[dir].flags |= CLOSE_INIT;
    }
    finish(flow, tcp, segment, seen, old)
}

/// Timeout, ASSURED, and the end of connections that never were.
fn finish(flow: &mut Flow, tcp: &Tcp, segment: &Segment<'_>, seen: &Seen<'_>, old: u8) -> Judged {
    let timeouts = &seen.timeouts.tcp;
    let new = flow.conn.tcp_state;
    let usual = timeouts[usize::from(new)];
    let unacknowledged = (tcp.sides[0].flags | tcp.sides[1].flags) & UNACKED != 0;
    let mut timeout = if tcp.retransmitted >= seen.settings.tcp_max_retrans && usual > timeouts[RETRANS] {
        timeouts[RETRANS]
    } else if segment.has(RST) {
        timeouts[usize::from(CLOSE)]
    } else if unacknowledged && usual > timeouts[UNACK] {
        timeouts[UNACK]
    } else if tcp.last_window == 0 && usual > timeouts[RETRANS] {
        timeouts[RETRANS]
    } else {
        usual
    };
    if !flow.has(status::SEEN_REPLY) {
        if segment.has(RST) {
            flow.count(seen);
            return Judged::Over;
        }
        if segment.kind() == IS_SYN && old == SYN_SENT {
            return Judged::Ignored("a SYN sent again prolongs nothing");
        }
        if new == ESTABLISHED {
            timeout = timeout.min(timeouts[UNACK]);
        }
    } else if !flow.has(status::ASSURED) && matches!(old, SYN_RECV | ESTABLISHED) && new == ESTABLISHED {
        flow.conn.status |= status::ASSURED;
    }
    flow.refresh(seen, timeout);
    Judged::Accept
}

/// FIN and RST out of window both ways: do not keep for days what both hosts have closed.
fn outside(flow: &mut Flow, tcp: &mut Tcp, dir: usize, kind: u8, seen: &Seen<'_>) {
    if !flow.has(status::ASSURED) || flow.has(status::FIXED_TIMEOUT) || !matches!(kind, IS_FIN | IS_RST) {
        return;
    }
    if tcp.last_dir != dir && matches!(tcp.last_index, IS_FIN | IS_RST) {
        let left = flow.left(seen.now);
        let timeout = seen.timeouts.tcp[UNACK];
        if left >= 120 * SECOND && left > timeout {
            flow.conn.expires = seen.now.mono + timeout;
        }
    } else {
        (tcp.last_index, tcp.last_dir) = (kind, dir);
    }
}

impl Flow {
    /// TCP: whether the connection is over, so that source NAT may take its tuple away.
    pub(crate) fn tcp_is_over(&self) -> bool {
        matches!(self.state, State::Tcp(_)) && self.conn.tcp_state >= TIME_WAIT
    }

    /// TCP: the sequence number after what the opening side has sent.
    pub(crate) fn tcp_end(&self) -> u32 {
        match &self.state {
            State::Tcp(tcp) => tcp.sides[Dir::Original as usize].end,
            _ => 0,
        }
    }
}
