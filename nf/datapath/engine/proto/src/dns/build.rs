//! Messages → records: walks the sections once, and makes of them what is reported.

use nf_fields::Text;

use super::edns::{self, Edns};
use super::exchange::Dialect;
use super::message::{Header, Question, RawRecord, Reader, Section};
use super::name::{self, Name, NameFlaw};
use super::rdata;
use super::record::{DnsMessage, DnsTransaction, QuestionRecord, ResourceRecord};
use super::words::{class_word, kind, opcode_word, rcode_word, type_word};

/// Most questions, and most records of each section, that are reported.
pub const MAX_LIST: usize = 64;

/// mDNS: a question's answer may be sent to the asker only; a record replaces earlier ones.
const MDNS_BIT: u16 = 0x8000;
const NOTIFY: u8 = 4;
const UPDATE: u8 = 5;

/// Where questions and records lie, and whether all were found.
#[derive(Default)]
pub struct Walked {
    questions: Vec<Question>,
    records: Vec<(Section, RawRecord)>,
    has_opt: bool,
    /// What ended the walk early.
    pub flaw: Option<NameFlaw>,
    /// Octets are left behind the last record.
    pub trailing: bool,
}

/// Walks the message; collects where things lie if `wanted`.
pub fn walk(message: &[u8], header: &Header, wanted: bool) -> Walked {
    let mut walked = Walked::default();
    let mut reader = Reader::new(message);
    walked.flaw = walked.sections(&mut reader, header, wanted).err();
    walked.trailing = reader.remaining() > 0;
    walked
}

impl Walked {
    fn sections(
        &mut self,
        reader: &mut Reader<'_>,
        header: &Header,
        wanted: bool,
    ) -> Result<(), NameFlaw> {
        for index in 0..usize::from(header.qdcount) {
            let question = reader.question()?;
            if wanted && index < MAX_LIST {
                self.questions.push(question);
            }
        }
        for (section, count) in [
            (Section::Answer, header.ancount),
            (Section::Authority, header.nscount),
            (Section::Additional, header.arcount),
        ] {
            for index in 0..usize::from(count) {
                let record = reader.record()?;
                // OPT may stand anywhere in its section and must not be missed; there is one.
                let first_opt = record.kind == kind::OPT && !self.has_opt;
                self.has_opt |= first_opt;
                if wanted && (index < MAX_LIST || first_opt) {
                    self.records.push((section, record));
                }
            }
        }
        Ok(())
    }
}

/// The sections as they are reported.
#[derive(Default)]
pub struct Lists {
    questions: Vec<QuestionRecord>,
    answers: Vec<ResourceRecord>,
    authorities: Vec<ResourceRecord>,
    additionals: Vec<ResourceRecord>,
    edns: Option<Edns>,
    extended_rcode: u16,
    /// A name could not be read; its record is left out.
    pub flaw: Option<NameFlaw>,
    /// Data did not fit its type.
    pub malformed_data: bool,
}

impl Lists {
    /// The questions, where there is not just the one.
    pub fn several_questions(&mut self) -> Option<Vec<QuestionRecord>> {
        let questions = std::mem::take(&mut self.questions);
        (questions.len() > 1).then_some(questions)
    }

    fn list(&mut self, section: Section) -> &mut Vec<ResourceRecord> {
        match section {
            Section::Answer => &mut self.answers,
            Section::Authority => &mut self.authorities,
            Section::Additional => &mut self.additionals,
        }
    }
}

/// Makes what is reported of where things lie. Without `keep`, questions and records are read and
/// judged, and left out.
pub fn lists(message: &[u8], walked: Walked, dialect: Dialect, keep: bool) -> Lists {
    let mut lists = Lists::default();
    let mut text = Vec::new();
    for question in &walked.questions {
        let mdns = dialect == Dialect::Mdns;
        let class = if mdns { question.class & !MDNS_BIT } else { question.class };
        match name::read(message, question.name) {
            Ok((name, _)) if keep => lists.questions.push(QuestionRecord {
                name: name_text(&name, &mut text),
                kind: type_word(question.kind),
                class: class_word(class),
                unicast: (mdns && question.class & MDNS_BIT != 0).then_some(true),
            }),
            Ok(_) => {}
            Err(flaw) => lists.flaw = Some(flaw),
        }
    }
    for (section, record) in &walked.records {
        if record.kind == kind::OPT && *section == Section::Additional {
            let (edns, sound) = edns::read(message, record);
            lists.malformed_data |= !sound;
            lists.extended_rcode = edns::extended_rcode(record);
            lists.edns = Some(edns);
            continue;
        }
        match name::read(message, record.name) {
            Ok((name, _)) if keep => {
                let name = name_text(&name, &mut text);
                text.clear();
                lists.malformed_data |= !rdata::write(message, record, &mut text);
                let made = resource_record(record, name, &text, dialect);
                lists.list(*section).push(made);
            }
            Ok(_) => lists.malformed_data |= !rdata::fits(message, record, &mut text),
            Err(flaw) => lists.flaw = Some(flaw),
        }
    }
    lists
}

fn name_text(name: &Name, scratch: &mut Vec<u8>) -> Text {
    scratch.clear();
    name.write(scratch);
    Text::from(scratch.as_slice())
}

fn resource_record(
    record: &RawRecord,
    name: Text,
    data: &[u8],
    dialect: Dialect,
) -> ResourceRecord {
    let mdns = dialect == Dialect::Mdns;
    let class = if mdns { record.class & !MDNS_BIT } else { record.class };
    ResourceRecord {
        name,
        kind: type_word(record.kind),
        class: (class != 1).then(|| class_word(class)),
        ttl: record.ttl,
        data: Text::from(data),
        cache_flush: (mdns && record.class & MDNS_BIT != 0).then_some(true),
    }
}

/// The message for who listens to messages.
pub fn message(header: &Header, lists: &Lists) -> DnsMessage {
    let bit = |n| u16::from(header.bit(n));
    DnsMessage {
        id: header.id,
        qr: bit(15),
        opcode: header.opcode().into(),
        aa: bit(10),
        tc: bit(9),
        rd: bit(8),
        ra: bit(7),
        z: bit(6),
        ad: bit(5),
        cd: bit(4),
        rcode: header.rcode(),
        qdcount: header.qdcount,
        ancount: header.ancount,
        nscount: header.nscount,
        arcount: header.arcount,
        queries: lists.questions.clone(),
        answers: lists.answers.clone(),
        authorities: lists.authorities.clone(),
        additionals: lists.additionals.clone(),
        edns: lists.edns.clone(),
    }
}

/// A transaction that has its query; `name` is the first question's.
pub fn query(
    header: &Header,
    question: Option<Question>,
    name: &[u8],
    mut lists: Lists,
    dialect: Dialect,
) -> DnsTransaction {
    let mask = if dialect == Dialect::Mdns { !MDNS_BIT } else { u16::MAX };
    let asks = !header.is_response();
    let changes = asks && header.opcode() == UPDATE;
    let news = asks && header.opcode() == NOTIFY;
    DnsTransaction {
        id: header.id,
        qname: question.map(|_| Text::from(name)),
        qtype: question.map(|q| type_word(q.kind)),
        qclass: question.map(|q| class_word(q.class & mask)),
        queries: lists.several_questions(),
        opcode: opcode_word(header.opcode()),
        rd: (dialect == Dialect::Dns).then(|| header.bit(8)),
        cd: (dialect == Dialect::Dns).then(|| header.bit(4)),
        answers: news.then(|| std::mem::take(&mut lists.answers)),
        authorities: changes.then(|| std::mem::take(&mut lists.authorities)),
        edns: lists.edns,
        ..DnsTransaction::default()
    }
}

/// Completes a transaction with its response.
pub fn answer(record: &mut DnsTransaction, header: &Header, lists: Lists, dialect: Dialect) {
    record.rcode = Some(rcode_word(lists.extended_rcode << 4 | header.rcode()));
    let bit = |n: u32, spoken: &[Dialect]| spoken.contains(&dialect).then(|| header.bit(n));
    record.aa = bit(10, &[Dialect::Dns, Dialect::Mdns]);
    record.tc = bit(9, &[Dialect::Dns, Dialect::Mdns, Dialect::Llmnr]);
    record.ra = bit(7, &[Dialect::Dns]);
    record.ad = bit(5, &[Dialect::Dns]);
    record.conflict = bit(10, &[Dialect::Llmnr]);
    record.tentative = bit(8, &[Dialect::Llmnr]);
    // The response to an update or a notice may repeat what it was told, or leave it out.
    if record.answers.as_ref().is_none_or(Vec::is_empty) {
        record.answers = Some(lists.answers);
    }
    if record.authorities.as_ref().is_none_or(Vec::is_empty) {
        record.authorities = Some(lists.authorities);
    }
    record.additionals = Some(lists.additionals);
    match (&mut record.edns, lists.edns) {
        (Some(query), Some(response)) => query.answered_by(response),
        (mine, response) => *mine = mine.take().or(response),
    }
}

/// Adds one more message of a response that has many.
pub fn further_answer(
    record: &mut DnsTransaction,
    header: &Header,
    lists: Lists,
    dialect: Dialect,
) {
    let Some(mut answers) = record.answers.take() else {
        return answer(record, header, lists, dialect);
    };
    let room = MAX_LIST.saturating_sub(answers.len());
    answers.extend(lists.answers.into_iter().take(room));
    record.answers = Some(answers);
}
