//! What DNP3 reports.

use nf_fields::Fields;

use super::link::Header;
use super::message::{self, Dnp3Command, Dnp3Object, Fragment};

/// Most object headers kept of a transaction.
const MAX_OBJECTS: usize = 64;

/// One application fragment, or a frame without one.
#[derive(Debug, Default, Fields)]
pub struct Dnp3Message {
    /// Address of the sender.
    pub source: u16,
    /// Address of the receiver.
    pub destination: u16,
    /// Whether the master sent it.
    pub from_master: bool,
    /// Function of the link frame.
    pub link_function: &'static str,
    /// Ties a response to its request.
    pub sequence: Option<u8>,
    /// The first fragment of a message.
    pub first: Option<bool>,
    /// The last fragment of a message.
    pub last: Option<bool>,
    /// The sender wants it confirmed.
    pub confirm: Option<bool>,
    /// The outstation says it unasked.
    pub unsolicited: Option<bool>,
    /// Function.
    pub function_code: Option<u8>,
    /// Name of the function.
    pub function: Option<&'static str>,
    /// Internal indications of the outstation.
    pub iin: Option<u16>,
    /// Names of those that are set.
    pub indicators: Option<Vec<&'static str>>,
    /// What it is about.
    pub objects: Option<Vec<Dnp3Object>>,
}

/// A request and its response; either may be missing.
#[derive(Debug, Default, Fields)]
pub struct Dnp3Transaction {
    /// Address of the master.
    pub master: u16,
    /// Address of the outstation.
    pub outstation: u16,
    /// Ties the response to its request.
    pub sequence: u8,
    /// Function of the request; of the response where it was not asked for.
    pub function_code: u8,
    /// Name of that function.
    pub function: &'static str,
    /// What the request is about.
    pub request_objects: Option<Vec<Dnp3Object>>,
    /// Outputs that are to be operated.
    pub commands: Option<Vec<Dnp3Command>>,
    /// Function of the response.
    pub reply_code: Option<u8>,
    /// Name of that function.
    pub reply: Option<&'static str>,
    /// Internal indications of the outstation.
    pub iin: Option<u16>,
    /// Names of those that are set.
    pub indicators: Option<Vec<&'static str>>,
    /// What the response is about.
    pub response_objects: Option<Vec<Dnp3Object>>,
    /// How the first output was operated: 0 is success.
    pub command_status: Option<u8>,
    /// Fragments of the response.
    pub response_fragments: Option<u32>,
    /// Time from request to the first fragment of the response.
    pub response_us: Option<u64>,
}

fn words(indications: u16) -> Option<Vec<&'static str>> {
    let words: Vec<_> = message::indication_words(indications).collect();
    (!words.is_empty()).then_some(words)
}

fn some<T: Clone>(items: &[T]) -> Option<Vec<T>> {
    (!items.is_empty()).then(|| items.to_vec())
}

/// A frame for who listens to messages.
pub fn message(header: &Header, fragment: Option<&Fragment>) -> Dnp3Message {
    let flag = |mask: u8| fragment.map(|f| f.control & mask != 0);
    let iin = fragment.and_then(|f| f.indications);
    Dnp3Message {
        source: header.source,
        destination: header.destination,
        from_master: header.is_from_master(),
        link_function: header.function(),
        sequence: fragment.map(Fragment::sequence),
        first: flag(0x80),
        last: flag(0x40),
        confirm: flag(0x20),
        unsolicited: flag(0x10),
        function_code: fragment.map(|f| f.function),
        function: fragment.map(|f| message::function_word(f.function)),
        iin,
        indicators: iin.and_then(words),
        objects: fragment.and_then(|f| some(&f.objects)),
    }
}

impl Dnp3Transaction {
    /// Begins with a fragment of either side.
    pub fn of(header: &Header, fragment: &Fragment) -> Self {
        let (master, outstation) = if header.is_from_master() {
            (header.source, header.destination)
        } else {
            (header.destination, header.source)
        };
        Self {
            master,
            outstation,
            sequence: fragment.sequence(),
            function_code: fragment.function,
            function: message::function_word(fragment.function),
            ..Self::default()
        }
    }

    /// Adds what the master asks.
    pub fn asked(&mut self, fragment: &Fragment) {
        self.request_objects = some(&fragment.objects);
        self.commands = some(&fragment.commands);
    }

    /// Adds a fragment of what the outstation answers.
    pub fn told(&mut self, fragment: &Fragment) {
        self.reply_code = Some(fragment.function);
        self.reply = Some(message::function_word(fragment.function));
        self.iin = fragment.indications;
        self.indicators = fragment.indications.and_then(words);
        if !fragment.objects.is_empty() {
            let kept = self.response_objects.get_or_insert_default();
            let room = MAX_OBJECTS.saturating_sub(kept.len());
            kept.extend(fragment.objects.iter().take(room));
        }
        let status = fragment.commands.first().map(|c| c.status);
        self.command_status = self.command_status.or(status);
        self.response_fragments = Some(self.response_fragments.unwrap_or(0).saturating_add(1));
    }
}
