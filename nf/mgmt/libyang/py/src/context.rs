//! `Context`.

use nf_libyang::{Context as Modules, Kind, SchemaNode, Tree as Data, TypeInfo};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::convert::{format, yang_error};
use crate::diff::Diff;
use crate::operation::Operation;
use crate::tree::Tree;

/// Modules, loaded once; read-only and shared between threads after that.
#[pyclass(module = "nf._native.yang", frozen)]
pub struct Context(pub(crate) Modules);

impl Context {
    /// The modules themselves, for other faces.
    #[must_use]
    pub fn modules_of(&self) -> &Modules {
        &self.0
    }
}

#[pymethods]
impl Context {
    /// Loads modules, each a name or name@revision with its features, from folders.
    #[new]
    fn new(
        py: Python<'_>,
        search: Vec<String>,
        modules: Vec<(String, Vec<String>)>,
    ) -> PyResult<Self> {
        py.detach(|| Modules::load(&search, &modules)).map(Self).map_err(yang_error)
    }

    /// What is loaded: one dictionary for each module.
    fn modules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for module in self.0.modules() {
            let dict = PyDict::new(py);
            dict.set_item("name", module.name)?;
            dict.set_item("revision", module.revision)?;
            dict.set_item("namespace", module.namespace)?;
            dict.set_item("prefix", module.prefix)?;
            dict.set_item("implemented", module.implemented)?;
            dict.set_item("features", module.features)?;
            dict.set_item("all_features", module.all_features)?;
            dict.set_item("submodules", module.submodules)?;
            dict.set_item("deviated_by", module.deviated_by)?;
            list.append(dict)?;
        }
        Ok(list)
    }

    /// Every schema node, depth first: one dictionary for each.
    #[pyo3(signature = (module=None))]
    fn nodes<'py>(&self, py: Python<'py>, module: Option<&str>) -> PyResult<Bound<'py, PyList>> {
        let nodes = py.detach(|| self.0.nodes(module)).map_err(yang_error)?;
        let list = PyList::empty(py);
        for node in nodes {
            list.append(schema_node(py, node)?)?;
        }
        Ok(list)
    }

    /// A module's text, in YANG or YIN.
    fn schema_text(&self, module: &str, revision: Option<&str>, format: &str) -> PyResult<String> {
        match format {
            "yang" => self.0.yang_text(module, revision).map_err(yang_error),
            "yin" => self.0.yin_text(module, revision).map_err(yang_error),
            _ => Err(PyValueError::new_err(format!(
                "{format:?} is no syntax; there are yang and yin"
            ))),
        }
    }

    /// A module's tree diagram (RFC 8340).
    fn tree_text(&self, module: &str) -> PyResult<String> {
        self.0.tree_text(module).map_err(yang_error)
    }

    /// The data of ietf-yang-library (RFC 8525) for datastores.
    fn yang_library(&self, datastores: Vec<String>) -> PyResult<Tree> {
        self.0.yang_library(&datastores).map(Tree::from).map_err(yang_error)
    }

    /// Changes whenever the set of modules does.
    fn content_id(&self) -> String {
        self.0.content_id()
    }

    /// An empty tree.
    fn empty(&self) -> Tree {
        Data::new(&self.0).into()
    }

    /// Reads a data tree; values are checked, constraints are not.
    #[pyo3(signature = (data, format, *, kind="config"))]
    fn parse(&self, py: Python<'_>, data: &[u8], format: &str, kind: &str) -> PyResult<Tree> {
        let format = crate::convert::format(format)?;
        let kind = match kind {
            "config" => Kind::Config,
            "data" => Kind::Data,
            _ => {
                let what = format!("{kind:?} is no kind of tree; there are config and data");
                return Err(PyValueError::new_err(what));
            }
        };
        py.detach(|| Data::parse(&self.0, data, format, kind)).map(Tree::from).map_err(yang_error)
    }

    /// Reads changes as `Diff.to_xml` writes them.
    fn parse_diff(&self, py: Python<'_>, data: &[u8]) -> PyResult<Diff> {
        py.detach(|| nf_libyang::Diff::parse(&self.0, data)).map(Diff::from).map_err(yang_error)
    }

    /// Reads the content of an <rpc>: an RPC of the modules, or an <action>.
    fn parse_operation(&self, py: Python<'_>, data: &[u8]) -> PyResult<Operation> {
        py.detach(|| nf_libyang::Operation::parse(&self.0, data))
            .map(Operation::from)
            .map_err(yang_error)
    }

    /// Reads and checks a notification.
    #[pyo3(signature = (data, format="json"))]
    fn notification(&self, py: Python<'_>, data: &[u8], format: &str) -> PyResult<Tree> {
        let format = self::format(format)?;
        py.detach(|| Data::notification(&self.0, data, format)).map(Tree::from).map_err(yang_error)
    }
}

fn schema_node<'py>(py: Python<'py>, node: SchemaNode) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("path", node.path)?;
    dict.set_item("name", node.name)?;
    dict.set_item("module", node.module)?;
    dict.set_item("kind", node.kind)?;
    dict.set_item("config", node.config)?;
    dict.set_item("mandatory", node.mandatory)?;
    dict.set_item("keys", node.keys)?;
    type_members(&dict, node.value_type)?;
    dict.set_item("units", node.units)?;
    dict.set_item("default", node.defaults.first())?;
    dict.set_item("defaults", node.defaults)?;
    dict.set_item("description", node.description)?;
    dict.set_item("reference", node.reference)?;
    dict.set_item("status", node.status)?;
    dict.set_item("ordered_by", node.ordered_by)?;
    dict.set_item("min_elements", node.min_elements)?;
    dict.set_item("max_elements", node.max_elements)?;
    dict.set_item("if_features", node.if_features)?;
    let musts = PyList::empty(py);
    for must in node.musts {
        let one = PyDict::new(py);
        one.set_item("expr", must.expr)?;
        one.set_item("error_message", must.error_message)?;
        one.set_item("app_tag", must.app_tag)?;
        musts.append(one)?;
    }
    dict.set_item("musts", musts)?;
    dict.set_item("whens", node.whens)?;
    let extensions = PyList::empty(py);
    for (name, argument) in node.extensions {
        let one = PyDict::new(py);
        one.set_item("name", name)?;
        one.set_item("argument", argument)?;
        extensions.append(one)?;
    }
    dict.set_item("extensions", extensions)?;
    Ok(dict)
}

/// Every node has all of these members; those without a type have them empty.
fn type_members(dict: &Bound<'_, PyDict>, info: Option<TypeInfo>) -> PyResult<()> {
    let has_type = info.is_some();
    let info = info.unwrap_or_default();
    dict.set_item("type", has_type.then_some(info.base))?;
    dict.set_item("typedef", info.typedef)?;
    dict.set_item("enums", info.enums)?;
    dict.set_item("bits", info.bits)?;
    dict.set_item("identities", info.identities)?;
    dict.set_item("range", info.range)?;
    dict.set_item("length", info.length)?;
    dict.set_item("patterns", info.patterns)?;
    dict.set_item("leafref", info.leafref)?;
    dict.set_item("fraction_digits", info.fraction_digits)?;
    let members = PyList::empty(dict.py());
    for member in info.members {
        let one = PyDict::new(dict.py());
        type_members(&one, Some(member))?;
        members.append(one)?;
    }
    dict.set_item("members", members)
}
