//! `GET /v1/devices/{id}/qr`: as JSON, or as a picture for whoever accepts one.

use std::{
    collections::VecDeque,
    io::Cursor,
    sync::{Mutex, PoisonError},
};

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use image::{ImageFormat, Luma};
use qrcode::{QrCode, render::svg};
use serde::Serialize;
use shared::{
    clock::Timestamp,
    crypto,
    domain::{ids::DeviceId, permissions::Permission, plan::Meter},
    services::{Context, Error, ErrorCode, devices},
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

/// Side of the picture in pixels, at least.
const PICTURE_SIZE: u32 = 320;

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ConnectDevices))
        .metered(&[Meter::Qr])
        .failing_with(&[ErrorCode::AlreadyConnected, ErrorCode::QrNotReady])
}

/// The QR code to scan now, as text or, by `Accept`, as a picture.
#[utoipa::path(
    get,
    path = "/v1/devices/{id}/qr",
    operation_id = "getQrCode",
    tag = "devices",
    params(("id" = DeviceId, Path)),
    responses((status = 200, description = "The code.", content((QrBody = "application/json"), (Vec<u8> = "image/png"), (String = "image/svg+xml")))),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let qr = devices::qr(&ctx, &caller, id).await?;
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let answer = match form(accept) {
        Form::Json => {
            Json(QrBody { qr: qr.code.expose().to_owned(), expires_at: qr.expires_at }).into_response()
        }
        Form::Png => ([(CONTENT_TYPE, "image/png")], drawn(Form::Png, qr.code.expose())?).into_response(),
        Form::Svg => ([(CONTENT_TYPE, "image/svg+xml")], drawn(Form::Svg, qr.code.expose())?).into_response(),
    };
    // A code works once and for seconds.
    Ok(([(CACHE_CONTROL, "no-store"), (VARY, "Accept")], answer).into_response())
}

/// The code as text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QrBody {
    qr: String,
    expires_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Png,
    Svg,
}

/// The first form that the `Accept` header names and this route has.
fn form(accept: &str) -> Form {
    accept
        .split(',')
        .filter_map(|range| range.split(';').next())
        .find_map(|kind| match kind.trim() {
            "application/json" | "*/*" => Some(Form::Json),
            "image/png" | "image/*" => Some(Form::Png),
            "image/svg+xml" => Some(Form::Svg),
            _ => None,
        })
        .unwrap_or(Form::Json)
}

/// How many pictures are kept: drawing one takes milliseconds, and a page that waits for its scan asks each second.
const KEPT: usize = 64;

/// A picture, by form and digest of its code.
type Drawn = ((Form, [u8; 32]), Bytes);

/// The pictures that were drawn last.
static PICTURES: Mutex<VecDeque<Drawn>> = Mutex::new(VecDeque::new());

/// The picture of a code, drawn when it is not one of the last ones.
fn drawn(form: Form, code: &str) -> Result<Bytes, Error> {
    let key = (form, crypto::digest_of(&[code.as_bytes()]));
    // Nothing panics while holding this.
    let pictures = || PICTURES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, picture)) = pictures().iter().find(|(known, _)| *known == key) {
        return Ok(picture.clone());
    }
    let picture = match form {
        Form::Svg => Bytes::from(picture(code)?),
        Form::Png | Form::Json => Bytes::from(png(code)?),
    };
    let mut pictures = pictures();
    pictures.truncate(KEPT - 1);
    pictures.push_front((key, picture.clone()));
    Ok(picture)
}

fn encode(code: &str) -> Result<QrCode, Error> {
    QrCode::new(code).map_err(Error::internal)
}

fn picture(code: &str) -> Result<String, Error> {
    Ok(encode(code)?.render::<svg::Color<'_>>().min_dimensions(PICTURE_SIZE, PICTURE_SIZE).build())
}

fn png(code: &str) -> Result<Vec<u8>, Error> {
    let pixels = encode(code)?.render::<Luma<u8>>().min_dimensions(PICTURE_SIZE, PICTURE_SIZE).build();
    let mut bytes = Cursor::new(Vec::new());
    pixels.write_to(&mut bytes, ImageFormat::Png).map_err(Error::internal)?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_drawn_once_and_only_so_many_are_kept() {
        let first = drawn(Form::Png, "2@first").unwrap();
        assert_eq!(drawn(Form::Png, "2@first").unwrap().as_ptr(), first.as_ptr(), "the same picture");
        assert_ne!(drawn(Form::Svg, "2@first").unwrap(), first);
        for n in 0..KEPT {
            drawn(Form::Svg, &format!("2@{n}")).unwrap();
        }
        assert_eq!(PICTURES.lock().unwrap().len(), KEPT);
        assert_ne!(drawn(Form::Png, "2@first").unwrap().as_ptr(), first.as_ptr(), "drawn anew");
    }

    #[test]
    fn the_first_form_that_is_accepted_and_there_is_given() {
        for (accept, expected) in [
            ("", Form::Json),
            ("*/*", Form::Json),
            ("image/png", Form::Png),
            ("text/html, image/svg+xml;q=0.9, */*;q=0.1", Form::Svg),
            ("text/html", Form::Json),
        ] {
            assert_eq!(form(accept), expected, "{accept}");
        }
    }
}
