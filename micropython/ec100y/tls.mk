# TLS: Mbed TLS from MBEDTLS_DIR, under MicroPython's module tls. A part of the port's Makefile.
#
# MicroPython's own list of its files (extmod.mk, MICROPY_SSL_MBEDTLS) wants them inside its tree, so it stays off there, and
# mpconfignetwork.h asks for the module.

MBEDTLS_DIR ?= $(abspath ../../build/mbedtls-3.6.6)

SRC_C += tls.c lib/mbedtls_errors/mp_mbedtls_errors.c
INC += -I$(MBEDTLS_DIR)/include
CFLAGS += -DMBEDTLS_CONFIG_FILE=\"tls_config.h\"

MBEDTLS_O = $(addprefix $(BUILD)/mbedtls/, $(addsuffix .o, \
	aes asn1parse asn1write base64 bignum bignum_core bignum_mod bignum_mod_raw block_cipher cipher cipher_wrap \
	constant_time ctr_drbg ecdh ecdsa ecp ecp_curves entropy entropy_poll gcm md oid pem pk pk_ecc pk_wrap pkparse \
	platform platform_util rsa rsa_alt_helpers sha1 sha256 sha512 ssl_ciphersuites ssl_client ssl_msg ssl_tls \
	ssl_tls12_client ssl_tls12_server x509 x509_crt))
PY_O += $(MBEDTLS_O)

# Their warnings are not for us to mend.
$(MBEDTLS_O): CFLAGS += -Wno-error
$(BUILD)/mbedtls/%.o: $(MBEDTLS_DIR)/library/%.c
	$(call compile_c)
