//! Numbers of tickets: short enough to be said on the telephone, too many to be guessed.

use crate::ids::TicketId;

/// Crockford's base 32: no I, L, O or U, so that nothing is misheard or misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The number made of the lowest 40 of the given random bits, such as `T-7K3M-9QXW`. The store refuses a number
/// that it has; draw again then.
pub fn ticket_id(random: u128) -> TicketId {
    let mut text = String::from("T");
    for position in 0..8 {
        if position % 4 == 0 {
            text.push('-');
        }
        let five_bits = (random >> (35 - 5 * position)) & 31;
        text.push(char::from(ALPHABET[five_bits as usize]));
    }
    TicketId::new(text)
}

/// Reads a number as people write it: in any case, with or without hyphens, blanks and the T, and with the letters
/// that Crockford's alphabet leaves out for their look-alikes.
pub fn spoken_ticket_id(text: &str) -> Option<TicketId> {
    let mut signs: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b'-' | b' '))
        .map(|byte| match byte.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            sign => sign,
        })
        .collect();
    if signs.len() == 9 && signs[0] == b'T' {
        signs.remove(0);
    }
    if signs.len() != 8 {
        return None;
    }
    let mut bits: u128 = 0;
    for sign in signs {
        let five_bits = ALPHABET.iter().position(|known| *known == sign)?;
        bits = bits << 5 | five_bits as u128;
    }
    Some(ticket_id(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_made_of_forty_bits() {
        assert_eq!(ticket_id(0).as_str(), "T-0000-0000");
        assert_eq!(ticket_id(u128::MAX).as_str(), "T-ZZZZ-ZZZZ");
        assert_eq!(ticket_id(1 << 35 | 31).as_str(), "T-1000-000Z");
    }

    #[test]
    fn a_number_is_understood_as_people_write_it() {
        for spoken in ["T-7K3M-9QXW", "t 7k3m 9qxw", "7K3M9QXW", "t7k3m9qxw"] {
            assert_eq!(
                spoken_ticket_id(spoken),
                Some(TicketId::new("T-7K3M-9QXW")),
                "{spoken}"
            );
        }
        assert_eq!(
            spoken_ticket_id("T-OLI0-0000"),
            Some(TicketId::new("T-0110-0000"))
        );
        for odd in ["", "T-7K3M", "T-7K3M-9QXU", "T-7K3M-9QXW-1", "ä-7K3M-9QXW"] {
            assert_eq!(spoken_ticket_id(odd), None, "{odd}");
        }
    }
}
