//! Values that name a person or open a door: redacted in `Debug`, no `Serialize`, one explicit way out (law 6).

use std::fmt;

use zeroize::Zeroize;

/// A value that identifies a person. `Debug` shows nothing of it; [`Personal::reveal`] is the only way out.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    /// Wraps a value that identifies a person.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value in clear. Whoever calls this answers for where it goes.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// The value in clear, owned.
    pub fn into_revealed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(…)")
    }
}

/// A secret (token, password, key). Wiped when dropped.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a secret.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The secret in clear, for the one call that needs it.
    pub const fn dangerously_expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Personal::new("zoe@corp.example")), "Personal(…)");
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "Secret(…)");
    }
}
