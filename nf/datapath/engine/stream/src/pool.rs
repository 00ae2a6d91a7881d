//! A budget of octets shared by all sessions of a worker.

/// Octets that may be held for later (unfinished messages, early segments).
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    used: usize,
    limit: usize,
}

impl Pool {
    /// A pool of `limit` octets.
    pub fn new(limit: usize) -> Self {
        Self { used: 0, limit }
    }

    /// Octets in use.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Takes `n` octets, or refuses.
    pub fn take(&mut self, n: usize) -> bool {
        let used = self.used.saturating_add(n);
        let fits = used <= self.limit;
        if fits {
            self.used = used;
        }
        fits
    }

    /// Gives `n` octets back.
    pub fn give_back(&mut self, n: usize) {
        self.used = self.used.saturating_sub(n);
    }
}
