//! The one table of who may do what.

use super::role::Role;

/// Something a caller may be allowed to do. Each route names one beside its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See and change one's own account.
    ManageOwnAccount,
    /// See one's own account.
    ViewOwnAccount,
    /// Create, list and revoke API keys: one's own, and everybody's in the tenant for its owners.
    ManageApiKeys,
    /// See devices, their status and queue.
    ViewDevices,
    /// Create, rename and delete devices.
    ManageDevices,
    /// Link, connect, disconnect and unlink devices.
    ConnectDevices,
    /// Send messages.
    SendMessages,
    /// Send to many at once.
    SendBulk,
    /// Make and change groups.
    ManageGroups,
    /// Read messages and chats.
    ViewMessages,
    /// See where events are sent to and what came of it.
    ViewWebhooks,
    /// Make, change, try out and delete webhooks, and have events sent again.
    ManageWebhooks,
    /// See plans and what is used of one's own.
    ViewUsage,
    /// See what was done: one's own doings, the whole tenant's for its owners, everybody's for an administrator.
    ViewAuditLog,
    /// See one's tenant.
    ViewTenant,
    /// Change one's tenant.
    ManageTenant,
    /// Add, change and remove members of one's tenant.
    ManageMembers,
    /// Make, change and delete tenants, and see what they have.
    ManageTenants,
    /// See the state of the whole deployment.
    ViewOperations,
    /// Change how the deployment runs.
    ManageOperations,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 20] = [
        Self::ManageOwnAccount,
        Self::ViewOwnAccount,
        Self::ManageApiKeys,
        Self::ViewDevices,
        Self::ManageDevices,
        Self::ConnectDevices,
        Self::SendMessages,
        Self::SendBulk,
        Self::ManageGroups,
        Self::ViewMessages,
        Self::ViewWebhooks,
        Self::ManageWebhooks,
        Self::ViewUsage,
        Self::ViewAuditLog,
        Self::ViewTenant,
        Self::ManageTenant,
        Self::ManageMembers,
        Self::ManageTenants,
        Self::ViewOperations,
        Self::ManageOperations,
    ];
}

impl Permission {
    /// Whether it is about devices, or about what everybody may know: what a key that is bound to some devices may have.
    pub fn is_of_devices(self) -> bool {
        use Permission::*;
        match self {
            ViewOwnAccount | ViewTenant | ViewUsage | ViewDevices | ManageDevices | ConnectDevices
            | SendMessages | SendBulk | ManageGroups | ViewMessages => true,
            ManageOwnAccount | ManageApiKeys | ViewWebhooks | ManageWebhooks | ViewAuditLog
            | ManageTenant | ManageMembers | ManageTenants | ViewOperations | ManageOperations => false,
        }
    }
}

impl Role {
    /// Whether this role has a permission.
    pub fn allows(self, permission: Permission) -> bool {
        use Permission::*;
        match permission {
            ViewOwnAccount | ViewDevices | ViewMessages | ViewWebhooks | ViewUsage | ViewAuditLog
            | ViewTenant => true,
            ManageOwnAccount | ManageApiKeys | ConnectDevices | SendMessages => self >= Self::User,
            ManageDevices | ManageWebhooks | SendBulk | ManageGroups => self >= Self::Operator,
            ManageTenant | ManageMembers => self >= Self::Owner,
            ManageTenants | ViewOperations | ManageOperations => self == Self::Admin,
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
        assert!(!Role::User.allows(Permission::ManageDevices));
        assert!(!Role::Operator.allows(Permission::ManageMembers));
        assert!(Role::Owner.allows(Permission::ManageMembers));
        assert!(!Role::Owner.allows(Permission::ViewOperations));
        assert!(Role::Admin.allows(Permission::ViewOperations));
    }

    /// The roles of the gateways that Kurir replaces, in Kurir's own, with what their matrices say of each.
    /// What an older gateway gives to administrators alone, its paths ask `ManageTenants` or `ViewOperations`
    /// for, whatever the native route asks for.
    #[test]
    fn the_matrices_of_the_older_gateways_can_be_expressed() {
        use Permission::*;
        let wa_gate = [("ADMIN", Role::Admin), ("OPERATOR", Role::Operator), ("USER", Role::Readonly)];
        let may = |role: &str, permission| {
            let (_, role) = wa_gate.iter().find(|(name, _)| *name == role).unwrap();
            role.allows(permission)
        };
        for (permission, admin, operator, user) in [
            (SendMessages, true, true, false),
            (ViewAuditLog, true, true, true),
            (SendBulk, true, true, false),
            (ManageTenants, true, false, false),
            (ViewOperations, true, false, false),
        ] {
            let allowed = [may("ADMIN", permission), may("OPERATOR", permission), may("USER", permission)];
            assert_eq!(allowed, [admin, operator, user], "wa-gate: {permission:?}");
        }
        for (permission, user) in [
            (ConnectDevices, true),
            (ViewDevices, true),
            (SendMessages, true),
            (ViewMessages, true),
            (SendBulk, false),
            (ManageGroups, false),
            (ManageTenants, false),
        ] {
            assert_eq!(Role::User.allows(permission), user, "multi-device: {permission:?}");
        }
        // wahub: admin, user, readonly.
        assert!(Role::User.allows(SendMessages) && !Role::Readonly.allows(SendMessages));
    }
}
