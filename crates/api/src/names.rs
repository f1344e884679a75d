//! Names that the outside world relies on: the API group, the finalizer, annotations, labels, limits of label values.

/// API group of every kind.
pub const GROUP: &str = "holdfast.dev";
/// API version of every kind.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of every kind.
pub const API_VERSION: &str = "holdfast.dev/v1alpha1";
/// Category of every kind: `kubectl get holdfast`.
pub const CATEGORY: &str = "holdfast";

/// Finalizer, present whenever a remote object may exist.
pub const FINALIZER: &str = "holdfast.dev/remote";
/// Field manager of everything but the intent.
pub const FIELD_MANAGER: &str = "holdfast";
/// Field manager of `status.intent`, kept apart so that a status write can't drop it.
pub const INTENT_FIELD_MANAGER: &str = "holdfast-intent";
/// Namespace of the operator in `manifests/`.
pub const OPERATOR_NAMESPACE: &str = "holdfast-system";

/// The namespace in which the manifests have the operator keep the days of each month for invoices.
pub const INVOICES_NAMESPACE: &str = "holdfast-invoices";
/// Label of a `ConfigMap` with days of a month: the namespace of the `BackupPlatform`.
pub const INVOICE_NAMESPACE_LABEL: &str = "invoice.holdfast.dev/namespace";
/// Label of a `ConfigMap` with days of a month: `2026-10`.
pub const INVOICE_MONTH_LABEL: &str = "invoice.holdfast.dev/month";
/// Label of a `ConfigMap` with days of a month: `open`, or `frozen` when the month is over.
pub const INVOICE_STATE_LABEL: &str = "invoice.holdfast.dev/state";
/// Annotation, ours: `<account id>/<remote id>`, kept beside status.
pub const EXTERNAL_ID_ANNOTATION: &str = "holdfast.dev/external-id";
/// Annotation, the user's: any new value makes us act now; on a `BackupPlatform` it starts a sweep.
pub const RECONCILE_AT_ANNOTATION: &str = "holdfast.dev/reconcile-at";
/// Annotation, the user's, on a `BackupPlatform`: the id of the account that may be written to from now on.
pub const CONFIRM_ACCOUNT_ANNOTATION: &str = "holdfast.dev/confirm-account";
/// Annotation, the user's: the external id of the object with a held deletion that may proceed, once.
pub const ALLOW_DELETION_ANNOTATION: &str = "holdfast.dev/allow-deletion";
/// Annotation, the user's: the external id of an object that Holdfast suspended for its deletion, and that is to be released
/// as it is although it can't be activated again.
pub const RELEASE_SUSPENDED_ANNOTATION: &str = "holdfast.dev/release-suspended";
/// Annotation, the user's: the external id of an object that vanished and shall be created anew.
pub const RECREATE_ANNOTATION: &str = "holdfast.dev/recreate";
/// Annotation, the user's: the id of the intent with the creation that may be tried again.
pub const RETRY_CREATE_ANNOTATION: &str = "holdfast.dev/retry-create";

/// Annotation, the user's: with any value, a deletion that something below still forbids is accepted and held, not refused.
pub const HOLD_DELETION_ANNOTATION: &str = "holdfast.dev/hold-deletion";

/// Label: name of the `BackupPlatform` an object belongs to, also through its parents.
pub const PLATFORM_LABEL: &str = "holdfast.dev/platform";
/// Label: name of the `Reseller` a customer belongs to.
pub const RESELLER_LABEL: &str = "holdfast.dev/reseller";
/// Label: what protects the remote object, a [`Protection`](super::shared::Protection).
pub const PROTECTION_LABEL: &str = "holdfast.dev/protection";
/// Label: this customer's name is hidden from the platform, where the platform itself can't say so.
pub const HIDDEN_LABEL: &str = "holdfast.dev/name-hidden";
/// Prefix of a set of labels `product.holdfast.dev/<product>`, each with an empty value.
pub const PRODUCT_LABEL_PREFIX: &str = "product.holdfast.dev/";
/// Prefix of a set of labels `plan.holdfast.dev/<name>`.
pub const PLAN_LABEL_PREFIX: &str = "plan.holdfast.dev/";
/// Prefix of a set of labels `region.holdfast.dev/<region>`.
pub const REGION_LABEL_PREFIX: &str = "region.holdfast.dev/";
/// Prefix of a set of labels `type.holdfast.dev/<type>`.
pub const TYPE_LABEL_PREFIX: &str = "type.holdfast.dev/";
/// Prefix of a set of labels `edition.holdfast.dev/<edition>`.
pub const EDITION_LABEL_PREFIX: &str = "edition.holdfast.dev/";
/// Prefix of a set of labels `workload.holdfast.dev/<workload>`.
pub const WORKLOAD_LABEL_PREFIX: &str = "workload.holdfast.dev/";
/// All sets of labels, by prefix.
pub const LABEL_SET_PREFIXES: [&str; 6] = [
    PRODUCT_LABEL_PREFIX,
    PLAN_LABEL_PREFIX,
    REGION_LABEL_PREFIX,
    TYPE_LABEL_PREFIX,
    EDITION_LABEL_PREFIX,
    WORKLOAD_LABEL_PREFIX,
];
/// Whether Holdfast writes a label. Other labels under our domain belong to another writer.
pub fn is_own_label(label: &str) -> bool {
    let single = [
        PLATFORM_LABEL,
        RESELLER_LABEL,
        PROTECTION_LABEL,
        HIDDEN_LABEL,
    ];
    let mut sets = LABEL_SET_PREFIXES.iter();
    single.contains(&label) || sets.any(|prefix| label.starts_with(prefix))
}

/// Longest label value, and longest name part of a label key; hence the longest name of our objects.
pub const LABEL_LENGTH: usize = 63;
