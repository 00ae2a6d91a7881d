//! The protocols of a media session's port, told apart by their first octet (RFC 7983, RFC 5761):
//! STUN, DTLS, TURN's channels, RTP and RTCP come on one pair of ports in WebRTC.
//!
//! Whichever is seen first names the session and owns this; what belongs to the others is given
//! to their parsers from here. They are named in the path once their octets are theirs beyond
//! doubt, up to the first stream of media: what comes later is reported in its own name, but is
//! no news of what the session is, so that the path is the same whoever listens.

use nf_fields::ProtoId;

use super::Rtp;
use crate::dtls::Dtls;
use crate::rtcp::Rtcp;
use crate::sdp::Codec;
use crate::stun::Stun;
use crate::{Flow, Protocol, Segment, Sink};

/// Whose a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A STUN message.
    Stun,
    /// A DTLS record.
    Dtls,
    /// Data in a TURN channel.
    Channel,
    /// A packet of a stream.
    Rtp,
    /// A control packet.
    Rtcp,
    /// None of these.
    Other,
}

impl Kind {
    /// By the first octets of a datagram.
    #[inline]
    pub fn of(data: &[u8]) -> Self {
        match data {
            [0..=3, ..] => Kind::Stun,
            [20..=63, ..] => Kind::Dtls,
            // Up to 79 since RFC 8656; channels of RFC 5766 go further.
            [64..=127, ..] => Kind::Channel,
            [128..=191, 192..=223, ..] => Kind::Rtcp,
            [128..=191, ..] => Kind::Rtp,
            _ => Kind::Other,
        }
    }
}

/// The parsers beside the one that owns the session.
#[derive(Default)]
pub struct Bundle {
    stun: Option<Box<Stun>>,
    dtls: Option<Box<Dtls>>,
    rtp: Option<Box<Rtp>>,
    rtcp: Option<Box<Rtcp>>,
    /// DTLS went by: what follows is encrypted.
    secured: bool,
    /// Nothing more is named.
    closed: bool,
}

impl Bundle {
    /// Says that DTLS has been seen on this session.
    pub fn secure(&mut self) {
        self.secured = true;
    }

    /// Says what a payload type stands for, as an announcement has it.
    pub fn announce(&mut self, codec: &Codec, flow: &Flow) {
        lend(&mut self.rtp, flow).announce(codec);
    }

    /// Names nothing more from here on.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Whether a stream was recognised, or naming was ended.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Gives `data` to the parser of its kind; false when no such parser has use for it.
    pub fn take(&mut self, kind: Kind, seg: &Segment<'_>, out: &mut Sink<'_>) -> bool {
        match kind {
            Kind::Stun => {
                let stun = lend(&mut self.stun, seg.flow);
                let mut sink = out.of(Stun::INFO.id);
                let taken = stun.message(seg, &mut sink);
                pass_on(taken && !self.closed, Stun::INFO.id, &sink.inner(), out);
                taken
            }
            Kind::Dtls => {
                let dtls = lend(&mut self.dtls, seg.flow);
                let mut sink = out.of(Dtls::INFO.id);
                let taken = dtls.records(seg, &mut sink);
                self.secured |= taken;
                pass_on(taken && !self.closed, Dtls::INFO.id, &sink.inner(), out);
                taken
            }
            Kind::Rtp => {
                let rtp = lend(&mut self.rtp, seg.flow);
                rtp.encrypted = self.secured;
                let taken = rtp.packet(seg, &mut out.of(Rtp::INFO.id));
                if rtp.is_confirmed() && !self.closed {
                    self.closed = true;
                    out.inside(Rtp::INFO.id);
                }
                taken
            }
            Kind::Rtcp => {
                let rtcp = lend(&mut self.rtcp, seg.flow);
                rtcp.encrypted = self.secured;
                let taken = rtcp.compound(seg, &mut out.of(Rtcp::INFO.id));
                pass_on(taken && rtcp.is_confirmed() && !self.closed, Rtcp::INFO.id, &[], out);
                taken
            }
            Kind::Channel | Kind::Other => false,
        }
    }

    /// The session has ended.
    pub fn end(&mut self, out: &mut Sink<'_>) {
        if let Some(stun) = &mut self.stun {
            stun.end(&mut out.of(Stun::INFO.id));
        }
        if let Some(dtls) = &mut self.dtls {
            dtls.end(&mut out.of(Dtls::INFO.id));
        }
        if let Some(rtp) = &mut self.rtp {
            rtp.end(&mut out.of(Rtp::INFO.id));
        }
        if let Some(rtcp) = &mut self.rtcp {
            rtcp.end(&mut out.of(Rtcp::INFO.id));
        }
    }
}

fn lend<'a, P: Protocol>(parser: &'a mut Option<Box<P>>, flow: &Flow) -> &'a mut P {
    parser.get_or_insert_with(|| Box::new(P::new(flow)))
}

/// Names a protocol inside, and what is inside that.
fn pass_on(named: bool, proto: ProtoId, inner: &[Option<ProtoId>], out: &mut Sink<'_>) {
    if named {
        out.inside(proto);
        for &proto in inner.iter().flatten() {
            out.inside(proto);
        }
    }
}
