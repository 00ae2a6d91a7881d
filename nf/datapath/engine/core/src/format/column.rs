//! Which columns are written, chosen by name once per output.

use nf_fields::{Field, Fields, Type, Value, json};

use crate::catalog::Source;
use crate::finish::{DEFAULT_SESSION_FIELDS, RowView, SESSION_FIELDS};
use crate::risk::RISKS;
use crate::row::{Row, What};
use crate::snapshot::Snapshot;

/// A column.
#[derive(Clone, Debug)]
pub enum Column {
    /// A field of the session.
    Session(usize),
    /// When a transaction began or an event happened.
    Ts,
    /// Name of the transaction's protocol. Not asked for by name, it is left out of JSON, where the
    /// transaction's key tells it.
    TransactionProtocol {
        /// It was asked for by name.
        named: bool,
    },
    /// The transaction as a JSON object.
    Transaction,
    /// One field of a protocol's transactions: protocol, position, field.
    TransactionField(nf_fields::ProtoId, usize, Field, String),
    /// Name of the event.
    EventName,
    /// An attribute of the event, by its name, in whichever place it has.
    EventAttribute(String, Type),
}

/// The columns of an output.
#[derive(Clone, Debug)]
pub struct Columns(pub Vec<Column>);

/// A column that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownColumn(pub String);

impl Columns {
    /// The usual columns of a report's rows.
    pub fn usual(report: &str, snapshot: &Snapshot) -> Self {
        let of_risks = |(n, f): (usize, &Field)| RISKS.contains(&f.name).then_some(n);
        let risks = SESSION_FIELDS.iter().enumerate().filter_map(of_risks);
        let judged = risks.filter(|_| snapshot.config.risks).map(Column::Session);
        let session = (0..DEFAULT_SESSION_FIELDS).map(Column::Session).chain(judged);
        match report {
            "transaction" => Columns(
                session
                    .chain([
                        Column::Ts,
                        Column::TransactionProtocol { named: false },
                        Column::Transaction,
                    ])
                    .collect(),
            ),
            "event" => {
                let mut columns = vec![Column::Session(0), Column::Ts, Column::Session(1)];
                columns.push(Column::EventName);
                let mut names: Vec<&String> = Vec::new();
                for event in &snapshot.plan.events {
                    for (name, attribute) in event.names.iter().zip(&event.attributes) {
                        if !names.contains(&name) {
                            names.push(name);
                            let ty = attribute.field.ty;
                            columns.push(Column::EventAttribute(name.clone(), ty));
                        }
                    }
                }
                Columns(columns)
            }
            _ => Columns(session.collect()),
        }
    }

    /// Columns by name.
    ///
    /// # Errors
    /// The first name that is none.
    pub fn named(names: &[String], snapshot: &Snapshot) -> Result<Self, UnknownColumn> {
        let one = |name: &String| {
            let session = SESSION_FIELDS.iter().position(|f| f.name == name);
            // Unless sessions are judged, no risk would look like none found.
            if let Some(position) = session
                && (!RISKS.contains(&name.as_str()) || snapshot.judge.is_some())
            {
                return Ok(Column::Session(position));
            }
            match name.as_str() {
                "ts" => return Ok(Column::Ts),
                "transaction" => return Ok(Column::Transaction),
                "transaction_protocol" => return Ok(Column::TransactionProtocol { named: true }),
                "event" => return Ok(Column::EventName),
                _ => {}
            }
            for event in &snapshot.plan.events {
                if let Some(n) = event.names.iter().position(|a| a == name) {
                    let ty = event.attributes[n].field.ty;
                    return Ok(Column::EventAttribute(name.clone(), ty));
                }
            }
            if let Some(attribute) = snapshot.catalog.transaction_field(name)
                && let Source::Transaction(position) = attribute.source
            {
                let (proto, field) = (attribute.proto, attribute.field);
                return Ok(Column::TransactionField(proto, position.into(), field, name.clone()));
            }
            Err(UnknownColumn(name.clone()))
        };
        names.iter().map(one).collect::<Result<_, _>>().map(Columns)
    }
}

impl Columns {
    /// Whether they begin with the default fields of a session, in their order.
    pub(super) fn start_with_defaults(&self) -> bool {
        let first = self.0.get(..DEFAULT_SESSION_FIELDS);
        let is_default =
            |(n, column): (usize, &Column)| matches!(column, Column::Session(m) if n == *m);
        first.is_some_and(|first| first.iter().enumerate().all(is_default))
    }
}

impl Column {
    /// Its heading.
    pub fn name(&self) -> &str {
        match self {
            Column::Session(n) => SESSION_FIELDS.get(*n).map_or("", |f| f.name),
            Column::Ts => "ts",
            Column::TransactionProtocol { .. } => "transaction_protocol",
            Column::Transaction => "transaction",
            Column::TransactionField(_, _, _, name) | Column::EventAttribute(name, _) => name,
            Column::EventName => "event",
        }
    }

    /// Kind of its values; lists and records come as JSON text.
    pub fn ty(&self) -> Type {
        let ty = match self {
            Column::Session(n) => SESSION_FIELDS.get(*n).map_or(Type::Text, |f| f.ty),
            Column::Ts => Type::Time,
            Column::TransactionProtocol { .. } | Column::Transaction | Column::EventName => {
                Type::Text
            }
            Column::TransactionField(_, _, field, _) => field.ty,
            Column::EventAttribute(_, ty) => *ty,
        };
        match ty {
            Type::List(_) | Type::Record(_) => Type::Text,
            ty => ty,
        }
    }

    /// Reads its value from a row.
    pub fn read(&self, row: &Row, view: &RowView<'_>, sink: &mut dyn FnMut(Value<'_>)) {
        match (self, &row.what) {
            (Column::Session(n), _) => sink(view.get(*n)),
            (Column::Ts, What::Transaction { ts, .. } | What::Event { ts, .. }) => {
                sink(Value::Time(*ts));
            }
            (Column::TransactionProtocol { .. }, What::Transaction { proto, .. }) => {
                sink(Value::Text(crate::catalog::name_of(*proto).as_bytes()));
            }
            (Column::Transaction, What::Transaction { record, .. }) => {
                let mut text = Vec::new();
                json::write_record(&mut text, &**record);
                sink(Value::Text(&text));
            }
            (Column::TransactionField(of, n, ..), What::Transaction { proto, record, .. })
                if of == proto =>
            {
                match record.get(*n) {
                    value @ (Value::List(_) | Value::Record(_)) => {
                        let mut text = Vec::new();
                        json::write_value(&mut text, value);
                        sink(Value::Text(&text));
                    }
                    value => sink(value),
                }
            }
            (Column::EventName, What::Event { event, .. }) => {
                sink(Value::Text(event.name.as_bytes()));
            }
            (Column::EventAttribute(name, _), What::Event { event, values, .. }) => {
                let place = event.names.iter().position(|n| n == name);
                let value = place.and_then(|p| values.get(p));
                sink(value.map_or(Value::None, |v| v.value()));
            }
            _ => sink(Value::None),
        }
    }
}
