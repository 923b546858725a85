//! The one table of who may do what.

use super::role::Role;

/// Something a caller may be allowed to do. Each route names one beside its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See and change one's own account.
    ManageOwnAccount,
    /// See one's own account.
    ViewOwnAccount,
    /// Create, list and revoke one's own API keys.
    ManageApiKeys,
    /// See devices, their status and queue.
    ViewDevices,
    /// Create, rename and delete devices.
    ManageDevices,
    /// Link, connect, disconnect and unlink devices.
    ConnectDevices,
    /// Send messages.
    SendMessages,
    /// Read messages and chats.
    ViewMessages,
    /// See plans and what is used of one's own.
    ViewUsage,
    /// See what was done: one's own doings, and everybody's for an administrator.
    ViewAuditLog,
    /// Make, change and delete accounts.
    ManageUsers,
    /// See the state of the whole deployment.
    ViewOperations,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 12] = [
        Self::ManageOwnAccount,
        Self::ViewOwnAccount,
        Self::ManageApiKeys,
        Self::ViewDevices,
        Self::ManageDevices,
        Self::ConnectDevices,
        Self::SendMessages,
        Self::ViewMessages,
        Self::ViewUsage,
        Self::ViewAuditLog,
        Self::ManageUsers,
        Self::ViewOperations,
    ];
}

impl Role {
    /// Whether this role has a permission.
    pub fn allows(self, permission: Permission) -> bool {
        use Permission::*;
        match permission {
            ViewOwnAccount | ViewDevices | ViewMessages | ViewUsage | ViewAuditLog => true,
            ManageOwnAccount | ManageApiKeys | ManageDevices | ConnectDevices | SendMessages => {
                self >= Self::User
            }
            ManageUsers | ViewOperations => self == Self::Admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_role_may_all_that_a_lower_one_may() {
        for permission in Permission::ALL {
            for roles in Role::ALL.windows(2) {
                assert!(!roles[0].allows(permission) || roles[1].allows(permission), "{permission:?}");
            }
            assert!(Role::Admin.allows(permission), "{permission:?}");
        }
    }

    #[test]
    fn readonly_views_and_nothing_else() {
        assert!(Role::Readonly.allows(Permission::ViewMessages));
        assert!(!Role::Readonly.allows(Permission::SendMessages));
        assert!(!Role::Readonly.allows(Permission::ManageApiKeys));
        assert!(!Role::Operator.allows(Permission::ViewOperations));
        assert!(Role::Admin.allows(Permission::ViewOperations));
    }
}
