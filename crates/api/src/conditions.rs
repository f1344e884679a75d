//! The closed sets of condition types and reasons. `docs/conditions.md` is made from them.

use std::fmt::Write;

use super::closed_enum::closed_enum;

closed_enum! {
    /// One aspect of the state of an object.
    ConditionType {
        /// The spec is applied and nothing refuses it. Consumption, health and manual steps never touch it.
        Ready,
        /// A machine will make progress without manual action.
        Reconciling,
        /// Manual action is required; the message says which.
        Stalled,
        /// The remote object has what was written last.
        Synced,
        /// A managed field differs on the platform; `status.drift` lists which.
        DriftDetected,
        /// A value is changed back on the platform repeatedly after Holdfast's writes; it is written with a growing backoff.
        DriftReturns,
        /// More is asked for than is allotted.
        QuotaExceeded,
        /// The object is being deleted and something forbids it.
        DeletionBlocked,
        /// `management: Paused` on the resource or its platform: the remote object is neither observed nor written.
        Paused,
        /// The platform answers.
        PlatformReachable,
        /// A manual step at the platform's console is pending; `status.manualSteps` lists the steps.
        ManualStepPending,
        /// A limit or an allotment is used up to its `warnAtPercent`.
        LimitNear,
        /// Backups succeed.
        BackupHealthy,
        /// Every data source meets the objective of its service plan.
        ServiceLevelMet,
        /// The platform accepts the credentials. On `BackupPlatform` only.
        CredentialsValid,
        /// The credentials open the account known from before. On `BackupPlatform` only.
        AccountMatches,
        /// The account has a single active administrator. On `BackupPlatform` only.
        SingleAdministrator,
        /// Deletions are held by `safety.maxDeletionsPerHour`. On `BackupPlatform` only.
        DeletionsHeld,
        /// Something on the platform can't be read and is ignored; `status.unreadable` lists it. On `BackupPlatform` only.
        ObjectsUnreadable,
    }
}

closed_enum! {
    /// Why a condition is as it is.
    Reason {
        /// The spec is applied.
        Applied,
        /// The remote object matches the spec.
        InSync,
        /// The platform has no objects of this kind: the resource exists in the cluster only, groups resources and grants shares of its allotment.
        ClusterOnly,
        /// `management: Observe`: drift is reported and not corrected.
        Observing,
        /// `management: Paused`: the remote object is neither observed nor written.
        Paused,
        /// No longer paused.
        Resumed,
        /// The remote object is being created.
        Creating,
        /// The remote object is being changed.
        Updating,
        /// The remote object is being deleted.
        Deleting,
        /// The remote object is suspended and will be deleted when `deletionDelay` has elapsed.
        DeletionDelayed,
        /// Holdfast suspended the remote object for its deletion, and can't activate it before it is released.
        StillSuspended,
        /// The remote object is being released and left unchanged.
        Releasing,
        /// The object has been observed and not reconciled yet.
        Pending,
        /// The platform works on it and has not finished.
        WaitingForPlatform,
        /// The platform's staff must approve or carry out the operation.
        WaitingForHuman,
        /// Another object that this one refers to isn't ready yet.
        WaitingForReference,
        /// What this one depends on, or what depends on it, is still being deleted.
        WaitingForDependents,
        /// The object referred to doesn't exist.
        ReferenceNotFound,
        /// The object referred to exists and isn't ready.
        ReferenceNotReady,
        /// The parent references form a cycle, or lead to another platform.
        ReferenceInvalid,
        /// The `BackupPlatform` doesn't exist; the object can still be released.
        PlatformMissing,
        /// This build of Holdfast has no driver for the platform, or this operator no embedded platform.
        NotBuilt,
        /// The platform doesn't answer.
        PlatformUnreachable,
        /// The platform throttles requests.
        PlatformThrottled,
        /// The platform refused the request; the message repeats its words.
        PlatformRefused,
        /// The platform's answer can't be used.
        PlatformAnswerInvalid,
        /// A fault of Holdfast stopped the reconciliation, or it didn't end; the operator's log has more.
        InternalError,
        /// The Secret with the credentials, or a key in it, is missing.
        CredentialsMissing,
        /// The platform rejects the credentials.
        CredentialsInvalid,
        /// The platform accepts the credentials.
        CredentialsAccepted,
        /// The credentials open another account than before; nothing is written until it is confirmed.
        AccountMismatch,
        /// The account is the one known from before.
        AccountConfirmed,
        /// A remote object of this name exists that this resource doesn't own, and `adopt` doesn't allow adopting it.
        NameConflict,
        /// Another resource, older than this one, owns the remote object.
        OwnedByAnother,
        /// `adopt: ById` names an id that the platform doesn't know.
        NotFoundById,
        /// The name is taken outside the account.
        NameTakenElsewhere,
        /// The remote object is gone and Holdfast didn't delete it; it is recreated only on request.
        VanishedOnPlatform,
        /// Several remote objects carry the ownership mark of this resource; none of them is adopted.
        SeveralMarked,
        /// The platform can't do this.
        CapabilityMissing,
        /// It is unknown whether the object was created; the request is repeated only when that is safe, or on request.
        CreateOutcomeUnknown,
        /// The country has no storage location of its own, so one must be chosen.
        LocationRequired,
        /// A reseller above or the platform requires a limit (`requireLimits`) that the customer doesn't have.
        LimitRequired,
        /// The platform has no such storage location.
        LocationUnknown,
        /// The storage location contradicts the country, or the data was placed in another location than requested.
        LocationMismatch,
        /// The service plan doesn't contain the product or a workload.
        PlanMismatch,
        /// The reseller's level, service type or place in the chain doesn't allow it.
        HierarchyRefused,
        /// The change is one that the platform can never make once the object exists.
        FixedField,
        /// More is requested than the parent has left to grant.
        QuotaExceeded,
        /// The requested limit is below what is already used or granted.
        QuotaBelowUsage,
        /// The quota is not in effect yet, or no longer.
        QuotaNotInEffect,
        /// Customers, tenants, resellers or clients still belong to it.
        HasDependents,
        /// A backup is running.
        BackupActive,
        /// The remote object is protected: sandbox, default, the platform's own, or another tool's.
        Protected,
        /// Too many deletions within the hour.
        TooManyDeletions,
        /// No deletion is held.
        NoDeletionsHeld,
        /// The platform doesn't support the field; it isn't applied.
        FieldUnsupported,
        /// A manual step at the platform's console is required.
        ConsoleStepRequired,
        /// No manual step is pending.
        NoManualSteps,
        /// The Secret or `ConfigMap` referred to, or a key in it, is missing.
        SecretMissing,
        /// The Secret or `ConfigMap` referred to holds something unusable.
        SecretMalformed,
        /// Drift on the platform was corrected.
        Reverted,
        /// The platform accepts a value and keeps another one; Holdfast doesn't send it again before the spec or that value changes.
        ValueNotKept,
        /// A value is changed back after each of Holdfast's writes: by a user, another tool, or another cluster.
        DriftReturns,
        /// A managed field differs.
        Differs,
        /// No managed field differs.
        NoDrift,
        /// A limit is exceeded.
        Exceeded,
        /// No limit is exceeded, or near.
        WithinLimits,
        /// A limit is used up to the percentage at which it is warned.
        LimitReached,
        /// Backup jobs fail, or a critical alert is open.
        BackupsFailing,
        /// Backup jobs succeed.
        BackupsSucceeding,
        /// A data source misses the objective of its plan.
        ObjectiveMissed,
        /// Every data source meets the objective of its plan.
        ObjectiveMet,
        /// The platform reports no jobs yet.
        NoData,
        /// A single administrator is active.
        SingleAdministrator,
        /// Several administrators are active.
        EnoughAdministrators,
        /// The platform answers.
        Reachable,
        /// Another replica is the leader.
        NotLeader,
        /// The spec is invalid although the API server accepted it.
        InvalidSpec,
        /// Another customer lists the same client and is older.
        ClientConflict,
        /// A second tenant of the same customer and product; the older one counts.
        DuplicateTenant,
        /// A fault of Holdfast; it is logged and retried.
        Internal,
    }
}

/// The text of `docs/conditions.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Conditions\n\n\
         Made by `cargo test` from `crates/api/src/conditions.rs`; edit there (`UPDATE=1 cargo test -p holdfast-api` writes this file).\n\n\
         A condition says one thing about an object: its *type* says what about, its *reason* why, in one word of a closed list, and its \
         *message* what is so, why, and what to do. `kubectl wait --for=condition=Ready` and Argo CD and Flux read the first three.\n",
    );
    let table = |text: &mut String, title: &str, rows: &[(&str, &str)]| {
        // Writing to a String never fails.
        let _ = write!(text, "\n## {title}\n\n| {title} | Meaning |\n|---|---|\n");
        for (word, meaning) in rows {
            let _ = writeln!(text, "| `{word}` | {meaning} |");
        }
    };
    let types: Vec<_> = ConditionType::ALL
        .iter()
        .map(|value| (value.as_str(), value.doc()))
        .collect();
    let reasons: Vec<_> = Reason::ALL
        .iter()
        .map(|value| (value.as_str(), value.doc()))
        .collect();
    table(&mut text, "Types", &types);
    table(&mut text, "Reasons", &reasons);
    text
}
