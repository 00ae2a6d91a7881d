//! The modules: loaded once, read-only and shared between threads after that.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr;
use std::sync::{Arc, Once};

use libyang5_sys as ffi;

use crate::problem::{self, Error, Problem};
use crate::raw;
use crate::tree::Tree;

/// Owns the C context.
pub(crate) struct Inner {
    pub(crate) raw: *mut ffi::ly_ctx,
}

// SAFETY: after `load` nobody changes the context. What libyang still writes to it while data is
// parsed (its string dictionary, the error lists of threads) it guards with locks of its own.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: the last handle goes; trees hold one each, so that no data node is left.
        unsafe { ffi::ly_ctx_destroy(self.raw) };
    }
}

/// A set of YANG modules.
#[derive(Clone)]
pub struct Context(pub(crate) Arc<Inner>);

/// What a context knows of one module.
#[derive(Debug, Clone)]
pub struct ModuleInfo {
    /// Module name.
    pub name: String,
    /// Newest revision date.
    pub revision: Option<String>,
    /// XML namespace.
    pub namespace: String,
    /// The module's own prefix.
    pub prefix: String,
    /// Whether its data nodes exist, rather than only its types and groupings.
    pub implemented: bool,
    /// Features that are on.
    pub features: Vec<String>,
    /// Features that the module defines.
    pub all_features: Vec<String>,
    /// Names and revisions of submodules.
    pub submodules: Vec<(String, Option<String>)>,
    /// Modules that deviate this one.
    pub deviated_by: Vec<String>,
}

impl Context {
    /// Loads modules, each `name` or `name@revision` with the features that are on (`*` for all),
    /// from the folders of `search`.
    ///
    /// # Errors
    /// A folder or module that is missing, or a module that is wrong, with libyang's messages.
    pub fn load(search: &[String], modules: &[(String, Vec<String>)]) -> Result<Self, Error> {
        static LOGGING: Once = Once::new();
        // SAFETY: sets a global of libyang, once, before anything else uses it: errors are kept for
        // us, all of them, and not printed.
        LOGGING.call_once(|| unsafe {
            ffi::ly_log_options(ffi::LY_LOSTORE);
        });
        let options = ffi::LY_CTX_DISABLE_SEARCHDIR_CWD
            | ffi::LY_CTX_SET_PRIV_PARSED
            | ffi::LY_CTX_STATIC_PLUGINS_ONLY;
        let mut context = ptr::null_mut();
        // SAFETY: the out pointer is ours.
        let code = unsafe { ffi::ly_ctx_new(ptr::null(), options, &raw mut context) };
        if code != ffi::LY_ERR::LY_SUCCESS {
            let what = format!("libyang cannot make a context (code {code})");
            return Err(Problem::new("operation-failed", what).into());
        }
        let inner = Inner { raw: context };
        for folder in search {
            inner.add_folder(folder)?;
        }
        for (name, features) in modules {
            inner.load_module(name, features)?;
        }
        // SAFETY: the context is ours.
        unsafe { problem::forget(inner.raw) };
        Ok(Self(Arc::new(inner)))
    }

    pub(crate) fn raw(&self) -> *const ffi::ly_ctx {
        self.0.raw
    }

    /// The modules, in the order loaded.
    pub(crate) fn raw_modules(&self) -> Vec<*mut ffi::lys_module> {
        let mut index = 0;
        let mut found = Vec::new();
        loop {
            // SAFETY: the context is live; the index is libyang's own cursor.
            let module = unsafe { ffi::ly_ctx_get_module_iter(self.raw(), &raw mut index) };
            if module.is_null() {
                return found;
            }
            found.push(module);
        }
    }

    /// An implemented module by its name.
    pub(crate) fn module(&self, name: &str) -> Option<*mut ffi::lys_module> {
        let name = CString::new(name).ok()?;
        // SAFETY: the context is live, the name is NUL-terminated.
        let module = unsafe { ffi::ly_ctx_get_module_implemented(self.raw(), name.as_ptr()) };
        (!module.is_null()).then_some(module)
    }

    /// An implemented module by its namespace.
    pub(crate) fn module_of_namespace(&self, namespace: &str) -> Option<*mut ffi::lys_module> {
        let name = CString::new(namespace).ok()?;
        // SAFETY: the context is live, the name is NUL-terminated.
        let module = unsafe { ffi::ly_ctx_get_module_implemented_ns(self.raw(), name.as_ptr()) };
        (!module.is_null()).then_some(module)
    }

    /// Every module, also those that are only imported.
    #[must_use]
    pub fn modules(&self) -> Vec<ModuleInfo> {
        // SAFETY: modules and their parsed and compiled parts live as long as the context.
        self.raw_modules().into_iter().map(|module| unsafe { module_info(module) }).collect()
    }

    /// The text of a module or submodule, or its RFC 8340 tree.
    fn print_module(
        &self,
        name: &str,
        revision: Option<&str>,
        format: ffi::LYS_OUTFORMAT::Type,
    ) -> Result<String, Error> {
        let c_name = raw::c_string(name)?;
        let c_revision = revision.map(raw::c_string).transpose()?;
        let unknown = || {
            let what = format!("there is no module {name} with revision {revision:?}");
            Error::from(Problem::new("invalid-value", what))
        };
        let mut out = ptr::null_mut();
        // SAFETY: the context is live and the strings are NUL-terminated; the text is taken over.
        unsafe {
            problem::forget(self.raw());
            let module = match &c_revision {
                Some(date) => ffi::ly_ctx_get_module(self.raw(), c_name.as_ptr(), date.as_ptr()),
                None => ffi::ly_ctx_get_module_latest(self.raw(), c_name.as_ptr()),
            };
            if module.is_null() {
                return Err(unknown());
            }
            let code = ffi::lys_print_mem(&raw mut out, module, format, 0);
            if code != ffi::LY_ERR::LY_SUCCESS {
                return Err(problem::taken(self.raw(), code, "printing the module"));
            }
            raw::owned_text(out).ok_or_else(unknown)
        }
    }

    /// A module in YANG syntax.
    ///
    /// # Errors
    /// There is no such module.
    pub fn yang_text(&self, module: &str, revision: Option<&str>) -> Result<String, Error> {
        self.print_module(module, revision, ffi::LYS_OUTFORMAT::LYS_OUT_YANG)
    }

    /// A module in YIN syntax.
    ///
    /// # Errors
    /// There is no such module.
    pub fn yin_text(&self, module: &str, revision: Option<&str>) -> Result<String, Error> {
        self.print_module(module, revision, ffi::LYS_OUTFORMAT::LYS_OUT_YIN)
    }

    /// A module's tree diagram (RFC 8340).
    ///
    /// # Errors
    /// There is no such module.
    pub fn tree_text(&self, module: &str) -> Result<String, Error> {
        self.print_module(module, None, ffi::LYS_OUTFORMAT::LYS_OUT_TREE)
    }

    /// Changes whenever the set of modules, revisions or features does (RFC 8525).
    #[must_use]
    pub fn content_id(&self) -> String {
        // SAFETY: the context is live.
        format!("{:08x}", unsafe { ffi::ly_ctx_get_modules_hash(self.raw()) })
    }

    /// The content of ietf-yang-library for this context; `datastores` are identities such as
    /// `ietf-datastores:running`.
    ///
    /// # Errors
    /// libyang's reasons; a datastore that no loaded module defines.
    pub fn yang_library(&self, datastores: &[String]) -> Result<Tree, Error> {
        let mut root = ptr::null_mut();
        let id = raw::c_string(&self.content_id())?;
        // SAFETY: the context is live; the format takes one C string, which is given.
        let code = unsafe {
            problem::forget(self.raw());
            ffi::ly_ctx_get_yanglib_data(self.raw(), &raw mut root, c"%s".as_ptr(), id.as_ptr())
        };
        if code != ffi::LY_ERR::LY_SUCCESS {
            // SAFETY: the context is live.
            return Err(unsafe { problem::taken(self.raw(), code, "describing the modules") });
        }
        let mut tree = Tree::of(self, root);
        for name in datastores {
            let path = format!("/ietf-yang-library:yang-library/datastore[name='{name}']/schema");
            tree.set(&path, Some("complete"))?;
        }
        Ok(tree)
    }
}

impl Inner {
    fn add_folder(&self, folder: &str) -> Result<(), Error> {
        if !Path::new(folder).is_dir() {
            let what = format!("{folder} is no folder; the search path names folders of modules");
            return Err(Problem::new("invalid-value", what).into());
        }
        let c_folder = raw::c_string(folder)?;
        // SAFETY: the context is not shared yet.
        let code = unsafe { ffi::ly_ctx_set_searchdir(self.raw, c_folder.as_ptr()) };
        if code != ffi::LY_ERR::LY_SUCCESS && code != ffi::LY_ERR::LY_EEXIST {
            // SAFETY: the context is live.
            return Err(unsafe { problem::taken(self.raw, code, "adding a folder") });
        }
        Ok(())
    }

    fn load_module(&self, module: &str, features: &[String]) -> Result<(), Error> {
        let (name, revision) = module.split_once('@').map_or((module, None), |(n, r)| (n, Some(r)));
        let c_name = raw::c_string(name)?;
        let c_revision = revision.map(raw::c_string).transpose()?;
        let c_features =
            features.iter().map(|f| raw::c_string(f)).collect::<Result<Vec<_>, _>>()?;
        let mut pointers: Vec<*const c_char> = c_features.iter().map(|f| f.as_ptr()).collect();
        pointers.push(ptr::null());
        // SAFETY: the context is not shared yet; the array ends with null; every string outlives
        // the call.
        unsafe {
            problem::forget(self.raw);
            let loaded = ffi::ly_ctx_load_module(
                self.raw,
                c_name.as_ptr(),
                c_revision.as_ref().map_or(ptr::null(), |r| r.as_ptr()),
                pointers.as_mut_ptr(),
            );
            if loaded.is_null() {
                let doing = format!("loading the module {module}");
                return Err(problem::taken(self.raw, ffi::LY_ERR::LY_EOTHER, &doing));
            }
        }
        Ok(())
    }
}

/// # Safety
/// `module` belongs to a live context.
unsafe fn module_info(module: *mut ffi::lys_module) -> ModuleInfo {
    // SAFETY: the caller's promise; parsed and compiled parts may be null and are checked.
    unsafe {
        let this = &*module;
        let mut all_features = Vec::new();
        let mut features = Vec::new();
        if !this.parsed.is_null() {
            let (mut index, mut feature) = (0, ptr::null_mut());
            loop {
                feature = ffi::lysp_feature_next(feature, this.parsed, &raw mut index);
                let Some(one) = feature.as_ref() else { break };
                let name = raw::text(one.name).unwrap_or_default();
                if u32::from(one.flags) & ffi::LYS_FENABLED != 0 {
                    features.push(name.clone());
                }
                all_features.push(name);
            }
        }
        ModuleInfo {
            name: raw::text(this.name).unwrap_or_default(),
            revision: raw::text(this.revision),
            namespace: raw::text(this.ns).unwrap_or_default(),
            prefix: raw::text(this.prefix).unwrap_or_default(),
            implemented: this.implemented != 0,
            features,
            all_features,
            submodules: raw::array(this.submodules)
                .iter()
                .map(|s| (raw::text(s.name).unwrap_or_default(), raw::text(s.revision)))
                .collect(),
            deviated_by: raw::array(this.deviated_by)
                .iter()
                .filter_map(|m| raw::text((**m).name))
                .collect(),
        }
    }
}
