//! One setting: a variable of the environment, and what it may hold.

/// A variable holds what it may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} must be {allowed}, not `{value}`")]
pub struct InvalidSetting {
    /// The variable.
    pub name: String,
    /// What it holds.
    pub value: String,
    /// What it may hold, to follow "must be".
    pub allowed: String,
}

/// What a variable holds; `None` when it is not set, or empty.
pub fn text(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.to_string_lossy().into_owned()).filter(|text| !text.is_empty())
}

/// The same in another form: `parse` knows what is allowed, and `allowed` says it.
///
/// # Errors
/// When it is not allowed.
pub fn read<T>(
    name: &str,
    allowed: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, InvalidSetting> {
    let Some(value) = text(name) else { return Ok(None) };
    match parse(&value) {
        Some(parsed) => Ok(Some(parsed)),
        None => Err(InvalidSetting { name: name.into(), value, allowed: allowed.into() }),
    }
}

/// One of several words.
///
/// # Errors
/// When it is another one.
pub fn one_of<T: Copy>(name: &str, words: &[(&str, T)]) -> Result<Option<T>, InvalidSetting> {
    let allowed: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
    let known = |text: &str| words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    read(name, &allowed.join(" or "), known)
}

/// Yes or no; no when it is not set.
///
/// # Errors
/// When it is neither.
pub fn switch(name: &str) -> Result<bool, InvalidSetting> {
    let words = [("1", true), ("0", false), ("true", true), ("false", false)];
    Ok(one_of(name, &words)?.unwrap_or(false))
}

/// The items of a comma-separated list, each in another form.
///
/// # Errors
/// With the first item that is not allowed.
pub fn list<T>(
    name: &str,
    allowed: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, InvalidSetting> {
    let text = text(name).unwrap_or_default();
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let one = |item: &str| {
        parse(item).ok_or_else(|| InvalidSetting {
            name: name.into(),
            value: item.into(),
            allowed: allowed.into(),
        })
    };
    items.map(one).collect()
}
