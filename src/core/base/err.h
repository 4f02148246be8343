/* Result codes of every layer: 0 or a count on success, one of these on failure. */
#ifndef LUMEN_CORE_BASE_ERR_H
#define LUMEN_CORE_BASE_ERR_H

#define LM_MUST_USE __attribute__((warn_unused_result))

enum lm_err {
    LM_OK = 0,
    LM_EINVAL = -1,       /* an argument is out of its documented range */
    LM_ENOMEM = -2,       /* no memory, at create only */
    LM_EIO = -3,          /* the system refused; errno tells more at the place that logs */
    LM_EAGAIN = -4,       /* nothing to do now; call again when woken */
    LM_EFULL = -5,        /* a fixed-size queue or table has no room */
    LM_EPROTO = -6,       /* the peer sent something malformed or out of order */
    LM_EAUTH = -7,        /* a tag, signature, certificate or secret does not match */
    LM_EUNSUPPORTED = -8, /* known, but not possible in this build or on this machine */
    LM_ECLOSED = -9,      /* the other end, or this object, is closed */
    LM_ELIMIT = -10,      /* a stated limit is exceeded */
    LM_ENOENT = -11,      /* no such item */
    LM_EEXIST = -12,      /* already there, or in use by somebody else */
    LM_ETIMEOUT = -13,    /* a deadline passed */
    LM_EDEVICE = -14,     /* a device, daemon or compositor is missing or went away */
    LM_ECORRUPT = -15,    /* stored data cannot be trusted */
};

/* The name of a code, "LM_EINVAL"; static storage, never NULL. */
const char *lm_err_name(int code);

/* A short sentence for people, lower case, no full stop; static storage, never NULL. */
const char *lm_err_text(int code);

#endif
