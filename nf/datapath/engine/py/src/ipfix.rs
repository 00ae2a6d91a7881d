//! Sessions as messages of IPFIX.

use nf_core::format::ipfix::elements::Owner;
use nf_core::format::ipfix::{BIFLOWS, Exporter, UNIFLOWS, elements};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::batch::Batch;

/// Makes messages of IPFIX (RFC 7011) of the sessions in batches.
#[pyclass(module = "nf._native.engine")]
pub struct IpfixExporter {
    exporter: Exporter,
}

/// Number, owner, length, name, type, semantics, unit and explanation of an element.
type Element = (u16, &'static str, u16, &'static str, u8, u8, u16, &'static str);

#[pymethods]
impl IpfixExporter {
    /// Numbers of all templates: of flows of both directions over IPv4 and IPv6, of one likewise.
    #[classattr]
    const TEMPLATES: [u16; 4] = [BIFLOWS[0], BIFLOWS[1], UNIFLOWS[0], UNIFLOWS[1]];

    #[new]
    fn new(domain: u32, enterprise: u32, message_size: u16, biflow: bool) -> Self {
        Self { exporter: Exporter::new(domain, enterprise, message_size, biflow) }
    }

    /// Elements of a template, in their order.
    #[staticmethod]
    fn elements(template: u16) -> Vec<Element> {
        let owner = |owner| match owner {
            Owner::Iana => "iana",
            Owner::Reverse => "reverse",
            Owner::Enterprise => "enterprise",
        };
        elements(template)
            .map(|e| {
                let (data_type, semantics) = (e.data_type as u8, e.semantics as u8);
                (e.id, owner(e.owner), e.length(), e.name, data_type, semantics, e.units, e.doc)
            })
            .collect()
    }

    /// Messages with the sessions of `batch`, without time and with the count of their records in
    /// place of a sequence number; and the count of all.
    fn write<'py>(&mut self, py: Python<'py>, batch: &Batch) -> (Bound<'py, PyBytes>, u64) {
        let mut out = Vec::with_capacity(batch.__len__() * 256);
        let count = py.detach(|| batch.write_ipfix(&mut self.exporter, &mut out));
        (PyBytes::new(py, &out), count)
    }
}
