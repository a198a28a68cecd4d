/*
 * The contenders that a C program can call: LightGBM's C API and what lleaves and tl2cgen compiled, all with one thread.
 *
 *   native LIB_LIGHTGBM FOLDER ROWS FEATURES
 *
 * speaks the protocol of contestant.ts: first a JSON line with its contenders, whose answers it has compared with LightGBM's;
 * then, for every line "SECONDS KIND NAME" it reads, a JSON line {"nanoseconds": per row}. Rows are taken in turn, so that no
 * branch predictor learns them.
 */
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FLOAT64 = 1, NORMAL = 0, ROW_MAJOR = 1, ALL_ITERATIONS = -1, ROWS_PER_SLICE = 50, MOST_SLICES = 1 << 16 };
static const char *const ONE_THREAD = "num_threads=1";

union Entry { /* tl2cgen's */
    int missing;
    double value;
};

static int (*create_from_file)(const char *, int *, void **);
static int (*fast_init)(void *, int, int, int, int, int32_t, const char *, void **);
static int (*predict_fast)(void *, const void *, int64_t *, double *);
static int (*predict_matrix)(void *, const void *, int, int32_t, int32_t, int, int, int, int, const char *, int64_t *, double *);
static void (*lleaves)(const double *, double *, int, int);
static void (*tl2cgen)(union Entry *, int, double *);

static int row_count, feature_count;
static double *rows, *expected, *answers;
static void *booster, *fast_config;

static void lightgbm_row(int row) {
    int64_t length;
    predict_fast(fast_config, rows + (size_t)row * feature_count, &length, answers + row);
}

static void lightgbm_batch(int row) {
    int64_t length;
    (void)row;
    predict_matrix(booster, rows, FLOAT64, row_count, feature_count, ROW_MAJOR, NORMAL, 0, ALL_ITERATIONS, ONE_THREAD, &length, answers);
}

static void lleaves_row(int row) { lleaves(rows + (size_t)row * feature_count, answers + row, 0, 1); }

static void lleaves_batch(int row) {
    (void)row;
    lleaves(rows, answers, 0, row_count);
}

static void tl2cgen_row(int row) {
    union Entry entries[256];
    for (int i = 0; i < feature_count; i++) {
        double value = rows[(size_t)row * feature_count + i];
        if (isnan(value)) entries[i].missing = -1;
        else entries[i].value = value;
    }
    answers[row] = 0;
    tl2cgen(entries, 0, answers + row);
}

static struct {
    const char *name, *kind, *library, *symbol;
    void (*call)(int);
} contenders[] = {
    {"LightGBM C API, single-row fast", "row", NULL, NULL, lightgbm_row},
    {"LightGBM C API, matrix", "batch", NULL, NULL, lightgbm_batch},
    {"lleaves, called from C", "row", "lleaves.so", "forest_root", lleaves_row},
    {"lleaves, called from C", "batch", "lleaves.so", "forest_root", lleaves_batch},
    {"tl2cgen, called from C", "row", "tl2cgen.so", "predict", tl2cgen_row},
};
enum { CONTENDERS = sizeof contenders / sizeof *contenders };

static void stop(const char *what) {
    fprintf(stderr, "native: %s\n", what);
    exit(1);
}

static double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static double *read_doubles(const char *folder, const char *file, size_t count) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *stream = fopen(path, "rb");
    double *values = malloc(count * sizeof *values);
    if (!stream || !values || fread(values, sizeof *values, count, stream) != count) stop(path);
    fclose(stream);
    return values;
}

static void load_lightgbm(const char *library, const char *folder) {
    char path[4096];
    int iterations;
    void *lightgbm = dlopen(library, RTLD_NOW);
    if (!lightgbm) stop(dlerror());
    create_from_file = dlsym(lightgbm, "LGBM_BoosterCreateFromModelfile");
    fast_init = dlsym(lightgbm, "LGBM_BoosterPredictForMatSingleRowFastInit");
    predict_fast = dlsym(lightgbm, "LGBM_BoosterPredictForMatSingleRowFast");
    predict_matrix = dlsym(lightgbm, "LGBM_BoosterPredictForMat");
    snprintf(path, sizeof path, "%s/model.txt", folder);
    if (create_from_file(path, &iterations, &booster)) stop("LightGBM refuses the model");
    if (fast_init(booster, NORMAL, 0, ALL_ITERATIONS, FLOAT64, feature_count, ONE_THREAD, &fast_config)) stop("FastInit failed");
}

/* Loads a compiled peer; prints its part of the JSON line. */
static void introduce(int index, const char *folder) {
    char path[4096];
    const char *kind = contenders[index].kind, *symbol = contenders[index].symbol;
    double difference = 0;
    int differing = 0;
    printf("%s{\"name\":\"%s\",\"kind\":\"%s\",", index ? "," : "[", contenders[index].name, kind);
    if (symbol) {
        snprintf(path, sizeof path, "%s/%s", folder, contenders[index].library);
        void *compiled = dlopen(path, RTLD_NOW);
        void *function = compiled ? dlsym(compiled, symbol) : NULL;
        if (!function) {
            printf("\"failure\":\"%s was not compiled\"}", contenders[index].library);
            return;
        }
        if (strcmp(symbol, "predict") == 0) tl2cgen = function;
        else lleaves = function;
    }
    memset(answers, 0, row_count * sizeof *answers);
    if (strcmp(kind, "batch") == 0) contenders[index].call(0);
    else
        for (int row = 0; row < row_count; row++) contenders[index].call(row);
    for (int row = 0; row < row_count; row++) {
        double apart = fabs(answers[row] - expected[row]);
        if (!(apart <= difference)) difference = apart;
        if (!(apart <= 1e-9 * fmax(1, fabs(expected[row])))) differing++;
    }
    printf("\"difference\":%.3g,\"differing\":%d}", difference, differing);
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of short slices: one that another process interrupted does not count. */
static double measure(int index, double seconds) {
    static double slices[MOST_SLICES];
    static int row = 0;
    int batch = strcmp(contenders[index].kind, "batch") == 0, count = 0;
    void (*call)(int) = contenders[index].call;
    double start = seconds_now(), before = start, now = start;
    for (; now - start < seconds && count < MOST_SLICES; before = now) {
        if (batch) call(0);
        else
            for (int i = 0; i < ROWS_PER_SLICE; i++) {
                call(row);
                if (++row == row_count) row = 0;
            }
        now = seconds_now();
        slices[count++] = (now - before) / (batch ? row_count : ROWS_PER_SLICE) * 1e9;
    }
    qsort(slices, count, sizeof *slices, compare_doubles);
    return slices[count / 2];
}

int main(int argc, char **argv) {
    char line[256], kind[16], name[128];
    double seconds;
    if (argc != 5) stop("expected LIB_LIGHTGBM FOLDER ROWS FEATURES");
    row_count = atoi(argv[3]);
    feature_count = atoi(argv[4]);
    if (feature_count > 256) stop("expected at most 256 features");
    rows = read_doubles(argv[2], "rows.f64", (size_t)row_count * feature_count);
    expected = read_doubles(argv[2], "expected.f64", row_count);
    answers = malloc(row_count * sizeof *answers);
    load_lightgbm(argv[1], argv[2]);
    for (int index = 0; index < CONTENDERS; index++) introduce(index, argv[2]);
    printf("]\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%lf %15s %127[^\n]", &seconds, kind, name) != 3) stop("expected SECONDS KIND NAME");
        int index = 0;
        while (index < CONTENDERS && (strcmp(contenders[index].name, name) || strcmp(contenders[index].kind, kind))) index++;
        if (index == CONTENDERS) stop("no such contender");
        printf("{\"nanoseconds\":%.3f}\n", measure(index, seconds));
        fflush(stdout);
    }
    return 0;
}
