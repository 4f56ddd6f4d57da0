/* Compiled to an object file for the loader's test: calls, constants, variables, jump tables and symbols of others. */
extern void astra_parallel_for(void (*body)(void *, long, long), void *context, long count);
extern double cos(double);

static const double table[] = {1, 2, 3, 5, 8, 13, 21, 34};
int calls;               /* through the table of addresses in position-independent code */
static int zeros[1000];  /* takes no room in the file */

static void body(void *context, long begin, long end) {
  for (long i = begin; i < end; ++i) ((double *)context)[i] = table[i % 8] * cos(0);
}

static __attribute__((noinline)) int choose(int which) {
  switch (which) {
    case 0: return 3;
    case 1: return zeros[5] + 1;
    case 2: return 4;
    case 3: return 1 + calls;
    case 4: return 5;
    case 5: return 9;
    default: return -1;
  }
}

void astra_entry_fill(void **inputs, void **outputs, void *arena) {
  (void)arena;
  ++calls;
  astra_parallel_for(body, outputs[0], 1000);
  *(int *)outputs[1] = choose(*(int *)inputs[0]);
}
