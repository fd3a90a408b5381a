/* The module hoopai.crypto, on OpenSSL's libcrypto: signatures of webhooks (Ed25519, RSA-SHA256, HMAC-SHA256), SHA-256
   and strict base64. It is a shared object of its own, so that the core needs no libcrypto, and shares no code with it.

   No object of libcrypto outlives a function, so nothing has to be freed by a finaliser, and a child process can go on.
   Between the making and the freeing of such an object no function of Lua is called that can raise. The error queue
   of the thread, which the host may use too, is left as it was.

   What could not be computed raises. But within a verification libcrypto does not report that memory ran out: then a
   signature that is right counts as wrong. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#if LUA_VERSION_NUM < 504 || LUA_VERSION_NUM > 505
#error "hoopai needs Lua 5.4 or 5.5"
#endif

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "hoopai.crypto needs OpenSSL 3.0 or newer"
#endif

#if defined(__GNUC__)
#define HOOPAI_CRYPTO_EXPORT __attribute__((visibility("default")))
#else
#define HOOPAI_CRYPTO_EXPORT
#endif

#define ED25519_KEY 32
#define ED25519_SIGNATURE 64
#define SHA256_DIGEST 32
#define AES_KEY 32   /* bytes of AES-256 */
#define GCM_NONCE 12 /* bytes: NIST SP 800-38D, section 8.2.2 */
#define GCM_TAG 16
#define MOST_SEALED 1048576 /* bytes of a text, far above credentials */

/* Bits of RSA keys. A key below is too weak (NIST SP 800-131A), one above is slow (OPENSSL_RSA_MAX_MODULUS_BITS). */
#define LEAST_RSA_BITS 2048
#define MOST_RSA_BITS 16384
/* Smaller public exponents are not approved (FIPS 186-5, A.1.1), and 1 would accept any message. */
#define LEAST_RSA_EXPONENT 65537

/* The bytes of a string argument; a number is refused. */
static const unsigned char *bytes_at(lua_State *L, int index, size_t *length) {
  luaL_checktype(L, index, LUA_TSTRING);
  return (const unsigned char *)lua_tolstring(L, index, length);
}

static const unsigned char *bytes_of_length(lua_State *L, int index, size_t length) {
  size_t given;
  const unsigned char *bytes = bytes_at(L, index, &given);
  if (given != length) luaL_argerror(L, index, "a string of another length expected");
  return bytes;
}

static int problem(lua_State *L, const char *text) {
  lua_pushnil(L);
  lua_pushstring(L, text);
  return 2;
}

/* ------------------------------------------------------------------------------------------ libcrypto's error queue */

/* Before calls of libcrypto. The marker keeps an error of the host from being taken for one of these calls. */
static void begin_errors(void) {
  (void)ERR_set_mark();
  ERR_raise(ERR_LIB_USER, ERR_R_OPERATION_FAIL);
}

/* After them: forgets their errors. Returns the last one, 0 if there was none. */
static unsigned long end_errors(void) {
  unsigned long last = ERR_peek_last_error();
  (void)ERR_pop_to_mark();
  return ERR_GET_LIB(last) == ERR_LIB_USER ? 0 : last;
}

static int raise_failure(lua_State *L, unsigned long code) {
  const char *reason = code ? ERR_reason_error_string(code) : NULL;
  return luaL_error(L, "libcrypto failed: %s", reason ? reason : "not enough memory");
}

/* ------------------------------------------------------------------------------------------------------------ digests */

/* sha256(text) -> 32 bytes */
static int crypto_sha256(lua_State *L) {
  unsigned char digest[SHA256_DIGEST];
  size_t length, written = 0;
  const unsigned char *text = bytes_at(L, 1, &length);
  begin_errors();
  bool done = EVP_Q_digest(NULL, "SHA256", NULL, text, length, digest, &written) == 1 && written == sizeof digest;
  unsigned long code = end_errors();
  if (!done) return raise_failure(L, code);
  lua_pushlstring(L, (const char *)digest, sizeof digest);
  return 1;
}

/* hmac_sha256(secret, message) -> 32 bytes (RFC 2104) */
static int crypto_hmac_sha256(lua_State *L) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned written = 0;
  size_t secret_length, length;
  const unsigned char *secret = bytes_at(L, 1, &secret_length), *message = bytes_at(L, 2, &length);
  luaL_argcheck(L, secret_length > 0 && secret_length <= 65536, 1, "1 to 65536 bytes expected");
  begin_errors();
  bool done = HMAC(EVP_sha256(), secret, (int)secret_length, message, length, digest, &written) != NULL;
  unsigned long code = end_errors();
  if (!done || written != SHA256_DIGEST) return raise_failure(L, code);
  lua_pushlstring(L, (const char *)digest, SHA256_DIGEST);
  OPENSSL_cleanse(digest, sizeof digest);
  return 1;
}

/* equal(a, b) -> boolean; for strings of one length in a time that does not depend on their bytes */
static int crypto_equal(lua_State *L) {
  size_t a_length, b_length;
  const unsigned char *a = bytes_at(L, 1, &a_length), *b = bytes_at(L, 2, &b_length);
  lua_pushboolean(L, a_length == b_length && CRYPTO_memcmp(a, b, a_length) == 0);
  return 1;
}

/* --------------------------------------------------------------------------------------------------------- public keys */

/* The y of the points of an order up to 8, little-endian, without the bit of x's sign. With such a key about every eighth
   message has a signature that anyone can write (RFC 8032, section 5.1.7, and its errata). */
static const unsigned char small_order[][ED25519_KEY] = {
  {0},
  {1},
  {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
   0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
  {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
   0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
  {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

/* Is y at least 2^255 - 19? Then the key is another spelling of one that begins with y - (2^255 - 19). */
static bool is_beyond_field(const unsigned char *key) {
  if (key[0] < 0xed || (key[ED25519_KEY - 1] & 0x7f) != 0x7f) return false;
  for (int i = 1; i < ED25519_KEY - 1; i++) {
    if (key[i] != 0xff) return false;
  }
  return true;
}

static const char *ed25519_problem(const unsigned char *key) {
  unsigned char y[ED25519_KEY];
  memcpy(y, key, sizeof y);
  y[ED25519_KEY - 1] &= 0x7f;
  if (is_beyond_field(key)) return "it is an Ed25519 key in a spelling that is not allowed";
  for (size_t i = 0; i < sizeof small_order / sizeof *small_order; i++) {
    if (memcmp(y, small_order[i], sizeof y) == 0)
      return "it is an Ed25519 point of small order: anyone can sign for it";
  }
  return NULL;
}

static bool has_small_exponent(const EVP_PKEY *key) {
  BIGNUM *exponent = NULL;
  bool small = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1 || !BN_is_odd(exponent) ||
               (BN_num_bits(exponent) <= 32 && BN_get_word(exponent) < LEAST_RSA_EXPONENT);
  BN_free(exponent);
  return small;
}

static const char *rsa_problem(const EVP_PKEY *key) {
  int bits = EVP_PKEY_get_bits(key);
  if (bits < LEAST_RSA_BITS) return "it is an RSA key of less than 2048 bits";
  if (bits > MOST_RSA_BITS) return "it is an RSA key of more than 16384 bits";
  return has_small_exponent(key) ? "it is an RSA key whose exponent is less than 65537" : NULL;
}

/* The key of a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), NULL if the bytes are none. */
static EVP_PKEY *read_key(const unsigned char *der, size_t length) {
  const unsigned char *at = der;
  EVP_PKEY *key = length <= 65536 ? d2i_PUBKEY(NULL, &at, (long)length) : NULL;
  if (key && at != der + length) {
    EVP_PKEY_free(key);
    key = NULL;
  }
  return key;
}

/* public_key(der) -> "ed25519", its 32 bytes | "rsa", der | nil, problem: which key a SubjectPublicKeyInfo holds */
static int crypto_public_key(lua_State *L) {
  unsigned char raw[ED25519_KEY];
  size_t length, raw_length = sizeof raw;
  const unsigned char *der = bytes_at(L, 1, &length);
  const char *kind = NULL, *why = "it is no public key in the form SubjectPublicKeyInfo";
  begin_errors();
  EVP_PKEY *key = read_key(der, length);
  if (key && EVP_PKEY_is_a(key, "ED25519")) {
    bool read = EVP_PKEY_get_raw_public_key(key, raw, &raw_length) == 1 && raw_length == sizeof raw;
    kind = "ed25519";
    why = read ? ed25519_problem(raw) : why;
  } else if (key && EVP_PKEY_is_a(key, "RSA")) {
    kind = "rsa";
    why = rsa_problem(key);
  } else if (key) {
    why = "it is a key of another type than Ed25519 and RSA";
  }
  EVP_PKEY_free(key);
  (void)end_errors();
  if (why) return problem(L, why);
  lua_pushstring(L, kind);
  if (*kind == 'e') lua_pushlstring(L, (const char *)raw, sizeof raw);
  else lua_pushvalue(L, 1);
  return 2;
}

/* ---------------------------------------------------------------------------------------------------------- signatures */

#define NOT_VERIFIED (-100)

/* Frees the key. The outcome is that of EVP_DigestVerify, 1 for a signature that is right; or NOT_VERIFIED. */
static int verify(EVP_PKEY *key, const EVP_MD *digest, const unsigned char *signature, size_t signature_length,
                  const unsigned char *message, size_t length) {
  int outcome = NOT_VERIFIED;
  EVP_MD_CTX *context = key ? EVP_MD_CTX_new() : NULL;
  if (context && EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1) {
    outcome = EVP_DigestVerify(context, signature, signature_length, message, length);
  }
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  return outcome;
}

static int push_outcome(lua_State *L, int outcome, unsigned long code) {
  if (outcome == NOT_VERIFIED) return raise_failure(L, code);
  lua_pushboolean(L, outcome == 1);
  return 1;
}

/* verify_ed25519(key, message, signature) -> boolean (RFC 8032, section 5.1.7); a key that public_key returned */
static int crypto_verify_ed25519(lua_State *L) {
  size_t length, signature_length;
  const unsigned char *raw = bytes_of_length(L, 1, ED25519_KEY), *message = bytes_at(L, 2, &length);
  const unsigned char *signature = bytes_at(L, 3, &signature_length);
  if (signature_length != ED25519_SIGNATURE || ed25519_problem(raw)) {
    lua_pushboolean(L, 0);
    return 1;
  }
  begin_errors();
  EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, ED25519_KEY);
  int outcome = verify(key, NULL, signature, signature_length, message, length);
  return push_outcome(L, outcome, end_errors());
}

/* verify_rsa_sha256(der, message, signature) -> boolean (PKCS #1 v1.5, RFC 8017, section 8.2.2); a key that public_key
   returned */
static int crypto_verify_rsa_sha256(lua_State *L) {
  size_t der_length, length, signature_length;
  const unsigned char *der = bytes_at(L, 1, &der_length), *message = bytes_at(L, 2, &length);
  const unsigned char *signature = bytes_at(L, 3, &signature_length);
  begin_errors();
  EVP_PKEY *key = read_key(der, der_length);
  int outcome = key ? 0 : NOT_VERIFIED;
  bool fits = key && EVP_PKEY_is_a(key, "RSA") && (size_t)EVP_PKEY_get_size(key) == signature_length;
  if (fits) outcome = verify(key, EVP_sha256(), signature, signature_length, message, length);
  else EVP_PKEY_free(key);
  unsigned long code = end_errors();
  return push_outcome(L, outcome, code);
}

/* public_of_seed(seed) -> 32 bytes: the public key of an Ed25519 private key (RFC 8032, section 5.1.5) */
static int crypto_public_of_seed(lua_State *L) {
  unsigned char raw[ED25519_KEY];
  size_t length = sizeof raw;
  const unsigned char *seed = bytes_of_length(L, 1, ED25519_KEY);
  begin_errors();
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_KEY);
  bool done = key && EVP_PKEY_get_raw_public_key(key, raw, &length) == 1 && length == sizeof raw;
  EVP_PKEY_free(key);
  unsigned long code = end_errors();
  if (!done) return raise_failure(L, code);
  lua_pushlstring(L, (const char *)raw, sizeof raw);
  return 1;
}

/* sign_ed25519(seed, message) -> 64 bytes */
static int crypto_sign_ed25519(lua_State *L) {
  unsigned char signature[ED25519_SIGNATURE];
  size_t length, written = sizeof signature;
  const unsigned char *seed = bytes_of_length(L, 1, ED25519_KEY), *message = bytes_at(L, 2, &length);
  begin_errors();
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_KEY);
  EVP_MD_CTX *context = key ? EVP_MD_CTX_new() : NULL;
  bool done = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestSign(context, signature, &written, message, length) == 1 && written == sizeof signature;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  unsigned long code = end_errors();
  if (!done) return raise_failure(L, code);
  lua_pushlstring(L, (const char *)signature, sizeof signature);
  return 1;
}

/* ---------------------------------------------------------------------------------------------------------- encryption */

/* The arguments of seal and open. */
struct sealing {
  const unsigned char *key, *text, *name;
  size_t length, name_length;
};

static struct sealing check_sealing(lua_State *L, size_t added) {
  struct sealing given;
  given.key = bytes_of_length(L, 1, AES_KEY);
  given.text = bytes_at(L, 2, &given.length);
  given.name = bytes_at(L, 3, &given.name_length);
  luaL_argcheck(L, given.length <= MOST_SEALED + added, 2, "too long");
  luaL_argcheck(L, given.name_length <= MOST_SEALED, 3, "too long");
  return given;
}

/* Begins AES-256-GCM with a key, a nonce, and the name as data that is authenticated alone. */
static bool begin_gcm(EVP_CIPHER_CTX *context, const struct sealing *given, const unsigned char *nonce, int encrypts) {
  int written = 0;
  return context && EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, given->key, nonce, encrypts) == 1 &&
         EVP_CipherUpdate(context, NULL, &written, given->name, (int)given->name_length) == 1;
}

/* seal(key, text, name) -> nonce, encrypted text and tag, in one string: AES-256-GCM with a random nonce (NIST SP
   800-38D). The name is authenticated with them. */
static int crypto_seal(lua_State *L) {
  luaL_Buffer buffer;
  struct sealing given = check_sealing(L, 0);
  size_t size = GCM_NONCE + given.length + GCM_TAG;
  unsigned char *out = (unsigned char *)luaL_buffinitsize(L, &buffer, size), *text = out + GCM_NONCE;
  int written = 0, rest = 0;
  begin_errors();
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  bool done = RAND_bytes(out, GCM_NONCE) == 1 && begin_gcm(context, &given, out, 1) &&
              EVP_CipherUpdate(context, text, &written, given.text, (int)given.length) == 1 &&
              EVP_CipherFinal_ex(context, text + written, &rest) == 1 &&
              EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, GCM_TAG, text + given.length) == 1;
  EVP_CIPHER_CTX_free(context);
  unsigned long code = end_errors();
  if (!done) return raise_failure(L, code);
  luaL_pushresultsize(&buffer, size);
  return 1;
}

/* open(key, sealed, name) -> text | nil: what seal wrote with this key and this name */
static int crypto_open(lua_State *L) {
  luaL_Buffer buffer;
  struct sealing given = check_sealing(L, GCM_NONCE + GCM_TAG);
  if (given.length < GCM_NONCE + GCM_TAG) {
    lua_pushnil(L);
    return 1;
  }
  size_t size = given.length - GCM_NONCE - GCM_TAG;
  unsigned char tag[GCM_TAG], *out = (unsigned char *)luaL_buffinitsize(L, &buffer, size + 1);
  const unsigned char *text = given.text + GCM_NONCE;
  int written = 0, rest = 0;
  memcpy(tag, text + size, sizeof tag);
  begin_errors();
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  bool begun = begin_gcm(context, &given, given.text, 0) &&
               EVP_CipherUpdate(context, out, &written, text, (int)size) == 1 &&
               EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, GCM_TAG, tag) == 1;
  bool right = begun && EVP_CipherFinal_ex(context, out + written, &rest) == 1;
  EVP_CIPHER_CTX_free(context);
  unsigned long code = end_errors();
  if (!begun) return raise_failure(L, code);
  if (!right) OPENSSL_cleanse(out, size); /* no byte is used that was not authenticated */
  luaL_pushresultsize(&buffer, right ? size : 0);
  if (!right) lua_pushnil(L);
  return 1;
}

/* -------------------------------------------------------------------------------------------------------------- base64 */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* to_base64(bytes) -> text (RFC 4648, section 4) */
static int crypto_to_base64(lua_State *L) {
  luaL_Buffer buffer;
  size_t length;
  const unsigned char *bytes = bytes_at(L, 1, &length);
  luaL_argcheck(L, length < SIZE_MAX / 4, 1, "too long");
  char *out = luaL_buffinitsize(L, &buffer, (length + 2) / 3 * 4), *at = out;
  for (size_t i = 0; i < length; i += 3) {
    size_t left = length - i;
    unsigned word =
      (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
    *at++ = alphabet[word >> 18];
    *at++ = alphabet[word >> 12 & 63];
    *at++ = left > 1 ? alphabet[word >> 6 & 63] : '=';
    *at++ = left > 2 ? alphabet[word & 63] : '=';
  }
  luaL_pushresultsize(&buffer, (size_t)(at - out));
  return 1;
}

static int sextet(char digit) {
  const char *found = digit ? strchr(alphabet, digit) : NULL;
  return found ? (int)(found - alphabet) : -1;
}

/* The bits of a group of four digits, of which the last `padding` are "="; -1 if they are none, or if the bits that
   padding leaves unused are not 0. */
static long group(const char *text, int padding) {
  long word = 0;
  for (int i = 0; i < 4; i++) {
    int digit = i < 4 - padding ? sextet(text[i]) : 0;
    if (digit < 0) return -1;
    word = word << 6 | digit;
  }
  return word & ((1L << (8 * padding)) - 1) ? -1 : word;
}

/* from_base64(text) -> bytes | nil: only text that to_base64 can have written is read: with its padding, without blanks,
   without bits that no byte needs. So bytes have one spelling. */
static int crypto_from_base64(lua_State *L) {
  luaL_Buffer buffer;
  size_t length;
  const char *text = (const char *)bytes_at(L, 1, &length);
  bool right = length % 4 == 0;
  int padding = 0;
  while (right && padding < 2 && length > 0 && text[length - 1 - (size_t)padding] == '=') padding++;
  char *out = luaL_buffinitsize(L, &buffer, length / 4 * 3), *at = out;
  for (size_t i = 0; right && i < length; i += 4) {
    int unused = i + 4 == length ? padding : 0;
    long word = group(text + i, unused);
    right = word >= 0;
    *at++ = (char)(word >> 16 & 255);
    if (unused < 2) *at++ = (char)(word >> 8 & 255);
    if (unused < 1) *at++ = (char)(word & 255);
  }
  luaL_pushresultsize(&buffer, right ? (size_t)(at - out) : 0);
  if (!right) lua_pushnil(L);
  return 1;
}

HOOPAI_CRYPTO_EXPORT int luaopen_hoopai_crypto(lua_State *L);

int luaopen_hoopai_crypto(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"sha256", crypto_sha256},
    {"hmac_sha256", crypto_hmac_sha256},
    {"equal", crypto_equal},
    {"public_key", crypto_public_key},
    {"verify_ed25519", crypto_verify_ed25519},
    {"verify_rsa_sha256", crypto_verify_rsa_sha256},
    {"public_of_seed", crypto_public_of_seed},
    {"sign_ed25519", crypto_sign_ed25519},
    {"seal", crypto_seal},
    {"open", crypto_open},
    {"to_base64", crypto_to_base64},
    {"from_base64", crypto_from_base64},
    {NULL, NULL},
  };
  luaL_checkversion(L);
  luaL_newlib(L, functions);
  return 1;
}
