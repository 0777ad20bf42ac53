//! Locks of scopes, and what they forbid.

use super::address::within;

/// What a lock forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    CanNotDelete,
    ReadOnly,
}

/// A lock at a scope, which holds for all that is below it.
#[derive(Clone, Debug)]
pub(crate) struct Lock {
    pub(crate) scope: String,
    pub(crate) name: String,
    pub(crate) level: Level,
    pub(crate) notes: Option<String>,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CanNotDelete => "CanNotDelete",
            Self::ReadOnly => "ReadOnly",
        }
    }

    /// A level by its name, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::CanNotDelete, Self::ReadOnly].into_iter().find(|level| level.name().eq_ignore_ascii_case(name))
    }
}

impl Lock {
    pub(crate) fn id(&self) -> String {
        format!("{}/providers/Microsoft.Authorization/locks/{}", self.scope, self.name)
    }

    /// Whether the lock forbids an action, such as `Microsoft.Compute/disks/delete`, at a scope.
    pub(crate) fn forbids(&self, action: &str, scope: &str) -> bool {
        // Whoever may change locks can always take one away.
        if action.starts_with("Microsoft.Authorization/locks/") {
            return false;
        }
        // What is deleted takes along what is below it, and a lock there holds as well.
        let deletes = action.ends_with("/delete") && (within(&self.scope, scope) || within(scope, &self.scope));
        let changes = action.ends_with("/write") || action.ends_with("/action");
        deletes || (self.level == Level::ReadOnly && changes && within(&self.scope, scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_holds_below_its_scope_and_keeps_what_is_above_from_being_deleted() {
        let lock = |level| Lock { scope: "/s/g/a".to_owned(), name: "l".to_owned(), level, notes: None };
        for level in [Level::CanNotDelete, Level::ReadOnly] {
            assert!(lock(level).forbids("x/disks/delete", "/S/g/a/b"));
            assert!(lock(level).forbids("x/groups/delete", "/s/g"));
            assert!(!lock(level).forbids("x/disks/delete", "/s/g/ab"));
            assert!(!lock(level).forbids("x/disks/read", "/s/g/a"));
            assert!(!lock(level).forbids("Microsoft.Authorization/locks/delete", "/s/g/a"));
        }
        assert!(lock(Level::ReadOnly).forbids("x/disks/write", "/s/g/a/b"));
        assert!(lock(Level::ReadOnly).forbids("x/machines/start/action", "/s/g/a/b"));
        assert!(!lock(Level::ReadOnly).forbids("x/disks/write", "/s/g"));
        assert!(!lock(Level::CanNotDelete).forbids("x/disks/write", "/s/g/a/b"));
    }
}
