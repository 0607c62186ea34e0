#include "certificate.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <stdio.h>
#include <time.h>

static int64_t end_ms(const X509 *certificate)
{
    struct tm civil = {0};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &civil) != 1) {
        return 0;
    }
    time_t end = timegm(&civil);
    return end > 0 ? (int64_t)end * 1000 : 0;
}

int64_t certificate_file_end_ms(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    int64_t result = certificate != NULL ? end_ms(certificate) : 0;
    X509_free(certificate);
    return result;
}
