export default defineAppConfig({
  ui: {
    colors: {
      primary: 'mulberry',
      neutral: 'stone',
      success: 'green',
      warning: 'amber',
      error: 'red',
      info: 'stone',
    },
    button: {
      slots: { base: 'cursor-pointer font-semibold justify-center' },
      defaultVariants: { size: 'lg' },
      compoundVariants: [
        {
          color: 'primary',
          variant: 'solid',
          class:
            'hover:bg-mulberry-800 active:bg-mulberry-800 dark:bg-mulberry-600 dark:text-white dark:hover:bg-mulberry-500 dark:active:bg-mulberry-500 dark:disabled:bg-mulberry-700 dark:aria-disabled:bg-mulberry-700',
        },
      ],
    },
    input: { slots: { root: 'w-full' }, defaultVariants: { size: 'xl' } },
    textarea: { slots: { root: 'w-full' }, defaultVariants: { size: 'xl' } },
    formField: { slots: { help: 'text-sm', error: 'text-sm' }, defaultVariants: { size: 'xl' } },
  },
})
