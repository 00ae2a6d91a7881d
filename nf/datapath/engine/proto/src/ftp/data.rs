//! Data connections of FTP (RFC 959 §3.2): known only because a control connection announced
//! them. Their octets are files and listings without any framing; nothing is read of them here.

use nf_fields::ProtoId;

use crate::{Flow, Gap, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp};

/// What announces it.
pub(super) const ID: ProtoId = ProtoId(1100);

/// A data connection.
pub struct FtpData;

impl Protocol for FtpData {
    const INFO: Info = Info {
        name: "ftp_data",
        id: ID,
        aliases: &["ftp-data"],
        title: "File Transfer Protocol, data connection",
        spec: "RFC 959",
        over: &[tcp(&[20])],
        weight: 90,
        timeout: TimeoutClass::Long,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self
    }

    /// Never by its octets: they can be anything.
    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, _seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        Step::done()
    }

    fn gap(&mut self, _dir: crate::Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        Gap::Resume
    }
}
