//! The closed sets of condition types and reasons. `docs/conditions.md` is made from them.

use std::fmt::Write;

use super::closed_enum::closed_enum;

closed_enum! {
    /// One aspect of the state of an object.
    ConditionType {
        /// The spec is applied and nothing refuses it. Consumption, health and manual steps never touch it.
        Ready,
        /// A machine will make progress without anybody's help.
        Reconciling,
        /// A person must act; the message says how.
        Stalled,
        /// The platform holds what was written last.
        Synced,
        /// A managed field differs on the platform; `status.drift` lists which.
        DriftDetected,
        /// A value was set back on the platform again and again after our writes; it is written ever more seldom.
        DriftReturns,
        /// More is asked for, or used, than is allotted.
        QuotaExceeded,
        /// The object is being deleted and something forbids it.
        DeletionBlocked,
        /// `management: Paused` here or on the platform: nothing is looked at.
        Paused,
        /// The platform answers.
        PlatformReachable,
        /// A person has something to do at the platform's console; `status.manualSteps` lists what.
        ManualStepPending,
        /// Backups succeed.
        BackupHealthy,
        /// Every data source keeps what the service plan promises.
        ServiceLevelMet,
        /// The platform accepts the credentials. On `BackupPlatform` only.
        CredentialsValid,
        /// The credentials open the account known from before. On `BackupPlatform` only.
        AccountMatches,
        /// The account has one active administrator alone. On `BackupPlatform` only.
        SingleAdministrator,
        /// Deletions wait, because many were asked for at once. On `BackupPlatform` only.
        DeletionsHeld,
        /// Something on the platform can't be read and is left alone; `status.unreadable` lists what. On `BackupPlatform` only.
        ObjectsUnreadable,
    }
}

closed_enum! {
    /// Why a condition is as it is.
    Reason {
        /// The spec is applied.
        Applied,
        /// The platform holds what the spec says.
        InSync,
        /// The platform has no objects of this kind: the resource groups and shares out in the cluster alone.
        ClusterOnly,
        /// `management: Observe`: what differs is reported and not written.
        Observing,
        /// `management: Paused`: nothing is looked at.
        Paused,
        /// Paused no more.
        Resumed,
        /// The remote object is being made.
        Creating,
        /// The remote object is being changed.
        Updating,
        /// The remote object is being removed.
        Deleting,
        /// The remote object is suspended and will be removed when `deletionDelay` is over.
        DeletionDelayed,
        /// Holdfast suspended the remote object for its deletion, and can't activate it before it is released.
        StillSuspended,
        /// The remote object is being let go, untouched.
        Releasing,
        /// The object has been seen and nothing was done about it yet.
        Pending,
        /// The platform works on it and has not finished.
        WaitingForPlatform,
        /// A person at the platform's side has to approve or carry out the operation.
        WaitingForHuman,
        /// Another object that this one refers to isn't ready yet.
        WaitingForReference,
        /// What this one depends on, or what depends on it, is still being deleted.
        WaitingForDependents,
        /// The object referred to doesn't exist.
        ReferenceNotFound,
        /// The object referred to exists and isn't ready.
        ReferenceNotReady,
        /// The parents form a circle, or lead to another platform.
        ReferenceInvalid,
        /// The `BackupPlatform` doesn't exist; the object can still be released.
        PlatformMissing,
        /// This build of Holdfast has no driver for the platform, or no embedded platform.
        NotBuilt,
        /// The platform doesn't answer.
        PlatformUnreachable,
        /// The platform asks for fewer requests.
        PlatformThrottled,
        /// The platform refused the request; the message repeats its words.
        PlatformRefused,
        /// The platform answered something that makes no sense.
        PlatformAnswerInvalid,
        /// A fault of the operator stopped the pass, or the pass didn't end; the operator's log has more.
        InternalError,
        /// The Secret with the credentials, or a key in it, is missing.
        CredentialsMissing,
        /// The platform refuses the credentials.
        CredentialsInvalid,
        /// The platform accepts the credentials.
        CredentialsAccepted,
        /// The credentials open another account than before; nothing is written until it is confirmed.
        AccountMismatch,
        /// The account is the one known from before.
        AccountConfirmed,
        /// The remote object of this name belongs to nobody we know, and `adopt` doesn't allow taking it.
        NameConflict,
        /// Another resource, older than this one, holds the remote object.
        OwnedByAnother,
        /// `adopt: ById` names an id that the platform doesn't know.
        NotFoundById,
        /// The name is taken by somebody outside the account.
        NameTakenElsewhere,
        /// The remote object is gone and nobody here removed it; it is not made anew unasked.
        VanishedOnPlatform,
        /// Several remote objects carry the ownership mark of this resource; none of them is taken.
        SeveralMarked,
        /// The platform can't do this.
        CapabilityMissing,
        /// It is unknown whether the object was made; it is not made a second time unasked.
        CreateOutcomeUnknown,
        /// The country has no storage location of its own, so one must be chosen.
        LocationRequired,
        /// The platform has no such storage location.
        LocationUnknown,
        /// The storage location contradicts the country, or the data was placed elsewhere than asked.
        LocationMismatch,
        /// The service plan doesn't contain the product or a workload.
        PlanMismatch,
        /// The reseller's level, service type or place in the chain doesn't allow it.
        HierarchyRefused,
        /// The change is one that the platform can never make once the object exists.
        FixedField,
        /// More is asked for than the parent has left to grant.
        QuotaExceeded,
        /// The limit asked for is below what is already used or granted.
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
        /// The platform keeps no such field; it stays unapplied.
        FieldUnsupported,
        /// The platform's console has to be used for this.
        ConsoleStepRequired,
        /// No manual step is pending.
        NoManualSteps,
        /// The Secret or `ConfigMap` referred to, or a key in it, is missing.
        SecretMissing,
        /// The Secret or `ConfigMap` referred to holds something unusable.
        SecretMalformed,
        /// What was changed at the platform was put back.
        Reverted,
        /// The platform takes a value and keeps another one; it isn't sent again before the spec or that value changes.
        ValueNotKept,
        /// Somebody sets a value back after each of our writes: a person, another tool, or another cluster.
        DriftReturns,
        /// A managed field differs.
        Differs,
        /// No managed field differs.
        NoDrift,
        /// A limit is exceeded.
        Exceeded,
        /// All limits are kept.
        WithinLimits,
        /// Backup jobs fail, or a critical alert is open.
        BackupsFailing,
        /// Backup jobs succeed.
        BackupsSucceeding,
        /// A data source misses what the plan promises.
        ObjectiveMissed,
        /// Every data source keeps what the plan promises.
        ObjectiveMet,
        /// The platform reports no jobs yet.
        NoData,
        /// One administrator alone is active.
        SingleAdministrator,
        /// Several administrators are active.
        EnoughAdministrators,
        /// The platform answers.
        Reachable,
        /// Another replica is in charge.
        NotLeader,
        /// The spec can't be acted on although the API server let it pass.
        InvalidSpec,
        /// Another customer lists the same client and is older.
        ClientConflict,
        /// A second tenant of the same customer and product; the older one counts.
        DuplicateTenant,
        /// A fault of the operator itself; it is logged, and tried again.
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
