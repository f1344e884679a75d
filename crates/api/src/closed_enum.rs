//! One macro for every closed set of words: names on the wire, documentation, and a schema without a description of its
//! own, so that the description of the field that uses it is what `kubectl explain` shows.

/// Declares an enum of unit variants, written on the wire as their names.
///
/// Gives it `ALL`, `as_str`, `doc` (the doc comment, as text), `Display`, `FromStr` and a JSON schema. A value that was called
/// otherwise once is still read by that word: `#[serde(alias = "…")]`.
macro_rules! closed_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[doc = $doc:literal])+ $(#[serde(alias = $alias:literal)])? $variant:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[doc = $doc])+ $(#[serde(alias = $alias)])? $variant),+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value as written on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant)),+
                }
            }

            /// What the value means, in a sentence.
            pub const fn doc(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii()),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| $crate::UnknownWord {
                    word: text.to_owned(),
                    allowed: Self::ALL.iter().map(|value| value.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": Self::ALL.iter().map(|value| value.as_str()).collect::<Vec<_>>() })
            }
        }
    };
}

pub(crate) use closed_enum;
