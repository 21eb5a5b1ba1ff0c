// Every status that is an error to the exception that the user sees.
#include "mqttclient.h"

// What the user did wrong; NULL for the other statuses.
static mp_rom_error_text_t text_of_misuse(int status) {
    switch (status) {
        case UMQTT_TOPIC_EMPTY:
            return MP_ERROR_TEXT("topic is empty");
        case UMQTT_TOPIC_TOO_LONG:
        case UMQTT_FIELD_TOO_LONG:
            return MP_ERROR_TEXT("longer than 65535 bytes");
        case UMQTT_TOPIC_NOT_UTF8:
            return MP_ERROR_TEXT("not UTF-8");
        case UMQTT_TOPIC_NUL:
            return MP_ERROR_TEXT("has a NUL character");
        case UMQTT_TOPIC_WILDCARD:
            return MP_ERROR_TEXT("misplaced + or # in topic");
        case UMQTT_PACKET_TOO_LONG:
            return MP_ERROR_TEXT("packet longer than 268435455 bytes");
        case UMQTT_CHANGED:
            return MP_ERROR_TEXT("topic or msg changed while it was sent");
        default:
            return NULL;
    }
}

// How the Server broke the protocol.
static mp_rom_error_text_t text_of_fault(int status) {
    switch (status) {
        case UMQTT_BAD_REMAINING_LENGTH:
            return MP_ERROR_TEXT("malformed remaining length");
        case UMQTT_BAD_FLAGS:
            return MP_ERROR_TEXT("reserved flags set");
        case UMQTT_BAD_TYPE:
            return MP_ERROR_TEXT("packet that a server may not send");
        case UMQTT_BAD_LENGTH:
            return MP_ERROR_TEXT("wrong packet length");
        case UMQTT_BAD_QOS:
            return MP_ERROR_TEXT("message with qos 3");
        case UMQTT_BAD_DUP:
            return MP_ERROR_TEXT("message with qos 0 and DUP");
        case UMQTT_BAD_IDENTIFIER:
            return MP_ERROR_TEXT("packet identifier 0");
        case UMQTT_BAD_TOPIC:
            return MP_ERROR_TEXT("message with an invalid topic");
        case UMQTT_BAD_CONNACK_FLAGS:
            return MP_ERROR_TEXT("reserved CONNACK flags set");
        case UMQTT_BAD_CONNACK_CODE:
            return MP_ERROR_TEXT("reserved CONNACK return code");
        case UMQTT_BAD_SUBACK_CODE:
            return MP_ERROR_TEXT("reserved SUBACK return code");
        case UMQTT_BEFORE_CONNACK:
            return MP_ERROR_TEXT("packet before CONNACK");
        case UMQTT_SECOND_CONNACK:
            return MP_ERROR_TEXT("second CONNACK");
        default:
            return MP_ERROR_TEXT("too many unreleased qos 2 messages");
    }
}

static mp_obj_t with_number(const mp_obj_type_t *type, int number) {
    mp_obj_t arg = MP_OBJ_NEW_SMALL_INT(number);
    return mp_obj_new_exception_args(type, 1, &arg);
}

mp_obj_t mqttclient_error(int status, int code) {
    mp_rom_error_text_t text = text_of_misuse(status);
    if (text != NULL) {
        return mp_obj_new_exception_msg(&mp_type_ValueError, text);
    }
    switch (status) {
        case UMQTT_NOT_CONNECTED:
            return with_number(&mp_type_OSError, MP_ENOTCONN);
        case UMQTT_TIMEOUT:
            return with_number(&mp_type_OSError, MP_ETIMEDOUT);
        case UMQTT_STREAM_ERROR:
            return with_number(&mp_type_OSError, code);
        case UMQTT_BUSY:
            return mp_obj_new_exception_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("client is busy"));
        case UMQTT_SUBSCRIPTION_REFUSED:
            return with_number(&mp_type_MQTTException, 128);
        case UMQTT_REFUSED:
            return with_number(&mp_type_MQTTException, code);
        default:
            return mp_obj_new_exception_msg(&mp_type_MQTTException, text_of_fault(status));
    }
}

void mqttclient_raise(int status, int code) {
    nlr_jump(MP_OBJ_TO_PTR(mqttclient_error(status, code)));
}

// Raises what a check of an argument came to, if it is wrong.
void mqttclient_check(int status) {
    if (status != UMQTT_DONE) {
        mqttclient_raise(status, 0);
    }
}
