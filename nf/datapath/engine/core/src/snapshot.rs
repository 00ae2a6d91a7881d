//! The immutable configuration the engine runs on. Compiled off the packets' way, swapped in at
//! a batch boundary; what cannot be compiled is refused with the setting's name and never runs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use nf_apps::Apps;
use nf_fields::{Fields, ProtoId};
use nf_filter::Filter;
use nf_flow::KeyOptions;
use nf_proto::registry::{Entry, PROTOCOLS};
use nf_proto::user::Users;
use nf_proto::{Dissector, Limits, TimeoutClass};
use nf_wire::LinkType;

use crate::catalog::{Attribute, Catalog};
use crate::config::{EngineConfig, TableFull, Timeouts};
use crate::finish::names::{RowNames, met_by, transaction_leaves};
use crate::hook::Hook;
use crate::plan::{ConfigError, Plan};
use crate::risk::{Judge, RISKS};

/// Number of the next snapshot.
static NUMBER: AtomicU32 = AtomicU32::new(1);

/// Session timeouts in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    default: u64,
    short: u64,
    long: u64,
    live: u64,
    /// After both sides closed, or a reset.
    pub closed: u64,
}

impl Patience {
    fn compile(timeouts: &Timeouts) -> Result<Self, ConfigError> {
        let nanoseconds = |name: &str, seconds: f64| {
            if seconds.is_finite() && (0.1..=1e9).contains(&seconds) {
                return Ok((seconds * 1e9) as u64);
            }
            Err(ConfigError {
                what: format!("{seconds} s is no timeout"),
                place: format!("timeouts.{name}"),
                hint: "0.1 to 1000000000 seconds".into(),
            })
        };
        Ok(Self {
            default: nanoseconds("default", timeouts.default)?,
            short: nanoseconds("short", timeouts.short)?,
            long: nanoseconds("long", timeouts.long)?,
            live: nanoseconds("live", timeouts.live)?,
            closed: nanoseconds("closed", timeouts.closed)?,
        })
    }

    /// The timeout of a class.
    #[inline]
    pub fn of(&self, class: TimeoutClass) -> u64 {
        match class {
            TimeoutClass::Default => self.default,
            TimeoutClass::Short => self.short,
            TimeoutClass::Long => self.long,
            TimeoutClass::Live => self.live,
        }
    }
}

/// See the module.
pub struct Snapshot {
    /// Tells snapshots of a process apart.
    pub number: u32,
    /// What is extracted.
    pub plan: Plan,
    /// Protocols, compiled.
    pub dissector: Dissector,
    /// Everything that has a name under this configuration.
    pub catalog: Arc<Catalog>,
    /// Applications, compiled.
    pub apps: Arc<Apps>,
    /// The row filter.
    pub filter: Option<Filter>,
    /// Transaction fields that the row filter's slots mean (see [`RowNames`]).
    pub filter_fields: Vec<Attribute>,
    /// Who says which risks a session shows, where somebody asks.
    pub judge: Option<Judge>,
    /// Session timeouts.
    pub timeouts: Patience,
    /// Nanoseconds after which an active session is reported again; `u64::MAX` for never.
    pub report_every: u64,
    /// What tells sessions apart.
    pub key: KeyOptions,
    /// Every packet is this protocol's, whatever the link type says.
    pub root: Option<LinkType>,
    /// Sessions of one worker at most.
    pub sessions_per_worker: usize,
    /// Policy of a full table.
    pub table_full: TableFull,
    /// Octets one worker may hold.
    pub held_per_worker: usize,
    /// Hooks into every packet's journey, in the order of registration.
    pub hooks: Vec<Arc<dyn Hook>>,
    /// The configuration this was compiled from.
    pub config: EngineConfig,
}

impl Snapshot {
    /// Compiles `config` for the built-in protocols.
    ///
    /// # Errors
    /// Names the setting that cannot be met.
    pub fn compile(config: &EngineConfig) -> Result<Self, ConfigError> {
        Self::compile_with(config, PROTOCOLS)
    }

    /// As [`Snapshot::compile`], for a registry of the caller's (tests).
    ///
    /// # Errors
    /// As [`Snapshot::compile`].
    pub fn compile_with(
        config: &EngineConfig,
        entries: &'static [Entry],
    ) -> Result<Self, ConfigError> {
        let users = Users::compile(&config.plugins)?;
        let catalog = Catalog::with_users(&users);
        let names = RowNames::of(&catalog);
        let filter = match config.filter.trim() {
            "" => None,
            text => Some(Filter::parse(text, &names).map_err(|e| ConfigError {
                what: e.to_string(),
                place: "filter".into(),
                hint: e.hint.clone(),
            })?),
        };
        let filter_fields = names.transaction_fields();
        if filter.as_ref().is_some_and(|f| transaction_leaves(f).count() > 64) {
            return Err(ConfigError {
                what: "more than 64 conditions on transaction fields".into(),
                place: "filter".into(),
                hint: "use `in {…}` or `matches` for alternatives".into(),
            });
        }
        let mut plan = Plan::compile(config, &filter_fields, &catalog)?;
        let asked = config.risks || filter.as_ref().is_some_and(asks_for_risks);
        // Files are checked also where nobody asks: a mistake must not wait for the first who does.
        let judge = match asked || !config.risk_files.is_empty() {
            true => Some(judge(config, &catalog)?).filter(|_| asked),
            false => None,
        };
        judge.iter().flat_map(Judge::hears).for_each(|(proto, fields)| plan.hear(proto, fields));
        let mut disabled = disabled(config, &catalog)?;
        disabled.extend(users.replaced());
        let limits = Limits { packets: config.classify_packets, bytes: config.classify_bytes };
        let dissector =
            Dissector::new(entries, limits, &|id| !disabled.contains(&id), &|id| plan.wants(id))
                .map_err(|what| ConfigError {
                    what,
                    place: "protocols".into(),
                    hint: "register fewer protocols or patterns".into(),
                })?
                .with_users(users, &|id| plan.wants(id));
        let workers = config.threads.max(1);
        Ok(Self {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            plan,
            dissector,
            root: root(config, &catalog)?,
            catalog,
            apps: applications(config)?,
            filter,
            filter_fields,
            judge,
            timeouts: Patience::compile(&config.timeouts)?,
            report_every: report_every(config.report_interval)?,
            key: KeyOptions { vlan: config.key_vlan, tunnel: config.key_tunnel },
            sessions_per_worker: (config.max_sessions / workers).max(1),
            table_full: config.table_full,
            held_per_worker: config.max_held_bytes / workers,
            hooks: Vec::new(),
            config: config.clone(),
        })
    }
}

impl Snapshot {
    /// Bits of the filter's conditions that a transaction meets.
    pub(crate) fn met_by(&self, proto: ProtoId, record: &dyn Fields) -> u64 {
        self.filter.as_ref().map_or(0, |filter| met_by(filter, self, proto, record))
    }
}

fn report_every(seconds: f64) -> Result<u64, ConfigError> {
    match seconds {
        0.0 => Ok(u64::MAX),
        1.0..=1e9 => Ok((seconds * 1e9) as u64),
        _ => Err(ConfigError {
            what: format!("{seconds} s is no interval of reports"),
            place: "report_interval".into(),
            hint: "1 to 1000000000 seconds, or 0 for reports at the end only".into(),
        }),
    }
}

fn asks_for_risks(filter: &Filter) -> bool {
    filter.leaves().iter().any(|leaf| RISKS.contains(&leaf.name()))
}

fn judge(config: &EngineConfig, catalog: &Catalog) -> Result<Judge, ConfigError> {
    let files: Vec<(&str, &str)> =
        config.risk_files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Judge::compile(&files, catalog).map_err(ConfigError::from)
}

fn disabled(config: &EngineConfig, catalog: &Catalog) -> Result<Vec<ProtoId>, ConfigError> {
    let one = |(n, name): (usize, &String)| {
        catalog.by_name(name).map(|p| p.id).ok_or_else(|| ConfigError {
            what: format!("no protocol {name:?}"),
            place: format!("disabled_protocols[{n}]"),
            hint: "nf protocols lists the protocols".into(),
        })
    };
    config.disabled_protocols.iter().enumerate().map(one).collect()
}

fn applications(config: &EngineConfig) -> Result<Arc<Apps>, ConfigError> {
    /// Those that come with the engine: read once, not with every configuration.
    static BUILTIN: OnceLock<Arc<Apps>> = OnceLock::new();

    let files: Vec<(&str, &str)> =
        config.applications.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    if files.is_empty() {
        return Ok(Arc::clone(BUILTIN.get_or_init(|| Arc::new(Apps::builtin()))));
    }
    Apps::with_files(&files).map(Arc::new).map_err(|e| ConfigError::of_applications(&e))
}

fn root(config: &EngineConfig, catalog: &Catalog) -> Result<Option<LinkType>, ConfigError> {
    if config.root.is_empty() {
        return Ok(None);
    }
    let protocol = catalog.by_name(&config.root).ok_or_else(|| ConfigError {
        what: format!("no protocol {:?}", config.root),
        place: "root".into(),
        hint: "a header such as ethernet, ip or sll; nf protocols lists them".into(),
    })?;
    Ok(Some(LinkType::Protocol { proto: protocol.id, offset: config.root_offset }))
}
