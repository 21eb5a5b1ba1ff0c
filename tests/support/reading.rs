//! What a reader makes of octets: packets as text, so that short and long messages can be compared.

use umqtt::codec::{Cut, DecodeError, Delivery, Field, LongPublish, Packet, Reader};

/// Every packet in octets that come in these pieces, long ones put together, and the error that ended it.
pub fn read<const N: usize>(pieces: &[&[u8]]) -> (Vec<String>, Result<(), DecodeError>) {
    let mut told = Vec::new();
    let end = read_into::<N>(pieces, &mut told);
    (told, end)
}

fn read_into<const N: usize>(pieces: &[&[u8]], told: &mut Vec<String>) -> Result<(), DecodeError> {
    let mut reader: Reader<N> = Reader::new();
    let mut long: Option<LongPublish> = None;
    let mut fields = [Vec::new(), Vec::new()];
    for piece in pieces {
        let mut piece = *piece;
        while !piece.is_empty() {
            let space = reader.space();
            let len = space.len().min(piece.len());
            assert!(len > 0, "space after all was cut");
            space[..len].copy_from_slice(&piece[..len]);
            reader.filled(len);
            piece = &piece[len..];
            loop {
                let Some(state) = &mut long else {
                    match reader.cut()? {
                        Cut::Nothing => break,
                        Cut::Long(started) => long = Some(started),
                        Cut::Packet(packet_type, body) => {
                            told.push(as_text(&Packet::decode(packet_type, reader.octets(body))?));
                        }
                    }
                    continue;
                };
                let pending = reader.pending();
                let len = pending.len().min(usize::try_from(state.missing()).expect("32 bits"));
                fields[usize::from(state.field() == Field::Payload)].extend_from_slice(&pending[..len]);
                state.came(&pending[..len])?;
                reader.take(len);
                match (state.missing(), state.field()) {
                    (0, Field::Topic) => state.topic_done()?,
                    (0, Field::Payload) => {
                        let [topic, payload] = std::mem::take(&mut fields);
                        // Behind the topic comes the Packet Identifier.
                        told.push(message(state.delivery(), &topic[..usize::from(state.topic_len())], &payload));
                        long = None;
                    }
                    _ if len == 0 => break,
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// The same text for a message that came whole and for one in parts.
fn as_text(packet: &Packet) -> String {
    match packet {
        Packet::Publish(publish) => message(publish.delivery, publish.topic.octets(), publish.payload),
        other => format!("{other:?}"),
    }
}

fn message(delivery: Delivery, topic: &[u8], payload: &[u8]) -> String {
    format!("{delivery:?} {topic:?} {payload:?}")
}
