//! What the library logs as errors and warnings although it is normal: its own recovery, or ours, takes it up. The texts
//! are those of whatsapp-rust and wacore-libsignal 0.7.0.

use shared::telemetry::Normal;

/// These lines, and how they are said.
pub static NORMAL_LINES: [Normal; 2] = [
    Normal {
        said: "messages cannot be opened, because a session was lost or they came twice; they are asked for again",
        lines: &[
            // All of them name ratchet keys, base keys or addresses.
            ("wacore_libsignal::protocol::session_cipher", "No valid session for recipient"),
            ("wacore_libsignal::protocol::session_cipher", "failed to decrypt"),
            ("wacore_libsignal::protocol::session_cipher", "Failed to decrypt"),
            ("wacore_libsignal::protocol::session_cipher", "MAC verification failed"),
            ("wacore_libsignal::protocol::session_cipher", "has no usable state"),
            ("wacore_libsignal::protocol::protocol", "Bad Mac!"),
            ("whatsapp_rust::message::receive", "failed to decrypt"),
            ("whatsapp_rust::message::receive", "Decryption still failed after"),
            ("whatsapp_rust::message::receive", "Batch group decrypt"),
        ],
    },
    Normal {
        said: "answers did not go out because a connection ended; WhatsApp delivers again what they were for",
        lines: &[
            ("whatsapp_rust::pdo", "Failed to send PDO request"),
            ("whatsapp_rust::message::retry", "Failed to send retry receipt"),
            ("Client/Receipt", "Failed to send delivery receipt"),
        ],
    },
];
