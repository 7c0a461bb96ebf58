/**
 * A certificate for localhost that signs itself, and its key, for tests alone; valid until 2126. Made by
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=localhost
 * -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1 -addext basicConstraints=critical,CA:TRUE`.
 */
export const TEST_CERT = `-----BEGIN CERTIFICATE-----
MIIBrjCCAVSgAwIBAgIUEgnQ99JyVCdUdswbmW9a8YkVQJEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjE0NDIyM1oYDzIxMjYxMTAy
MTQ0MjIzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASLgvgCHe3LXuCUqg8FzpNezeT5VUb+SJIwSq11BsdfLfmW/vUyDIpi
rBDPAAjtWepJz9qog1bc458qlulDc+O2o4GBMH8wHQYDVR0OBBYEFC0N7ULDlGO9
W7WrvTQuwPSnM1JrMB8GA1UdIwQYMBaAFC0N7ULDlGO9W7WrvTQuwPSnM1JrMCwG
A1UdEQQlMCOCCWxvY2FsaG9zdIcEfwAAAYcQAAAAAAAAAAAAAAAAAAAAATAPBgNV
HRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDw6GATnrT4V+JLE06I9PhF
FzylKvtMvBFikghoRBPiGgIgJ27YcVgimAizVBjsnU6KPecbyAS31TMU7Mlm72jD
FUk=
-----END CERTIFICATE-----
`;

export const TEST_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWkxm4Xh3jnwt8eSd
M4x+Mg72IOU17vX+OkcVTVKGiDKhRANCAASLgvgCHe3LXuCUqg8FzpNezeT5VUb+
SJIwSq11BsdfLfmW/vUyDIpirBDPAAjtWepJz9qog1bc458qlulDc+O2
-----END PRIVATE KEY-----
`;
