//! Lists in pages: how many items a page has, and where the next one begins.

use tonic::Status;

/// Items on a page unless asked otherwise.
const PAGE: usize = 100;
/// Items on a page at most.
const PAGE_MAX: usize = 500;

/// How many items a page is to have.
pub(crate) fn size(asked: u32) -> usize {
    match asked as usize {
        0 => PAGE,
        wanted => wanted.min(PAGE_MAX),
    }
}

/// Where a page begins, as `read` knows the token of it; none for the first.
///
/// # Errors
/// `INVALID_ARGUMENT` for what is no token.
pub(crate) fn begin<Place>(
    token: &str,
    read: impl FnOnce(&str) -> Option<Place>,
) -> Result<Option<Place>, Status> {
    match token {
        "" => Ok(None),
        token => read(token).map(Some).ok_or_else(|| {
            Status::invalid_argument("page_token: repeat the next_page_token of the page before")
        }),
    }
}

/// Behind an item with a number.
///
/// # Errors
/// As for [`begin`].
pub(crate) fn behind(token: &str) -> Result<Option<i64>, Status> {
    begin(token, |token| token.parse().ok())
}

/// Takes off what is more than a page: its presence tells that there is a next one. Gives the token of that.
pub(crate) fn cut<Item, Place: ToString>(
    items: &mut Vec<Item>,
    page: usize,
    place: impl Fn(&Item) -> Place,
) -> String {
    let has_more = items.len() > page;
    items.truncate(page);
    let last = items.last().filter(|_| has_more);
    last.map(|last| place(last).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_has_no_next_one_and_one_item_more_does() {
        let mut items = vec![9, 8, 7];
        assert_eq!(cut(&mut items, 3, |item| *item), "");
        assert_eq!(cut(&mut items, 2, |item| *item), "8");
        assert_eq!(items, [9, 8]);
        assert_eq!(behind("8").unwrap(), Some(8));
        assert_eq!(behind("").unwrap(), None);
        assert!(behind("x").is_err());
        assert_eq!((size(0), size(7), size(9_999)), (100, 7, 500));
    }
}
